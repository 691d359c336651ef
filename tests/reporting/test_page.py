import json
import re
from base64 import b64encode
from hashlib import sha256
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import sparring
from sparring import reporting
from sparring.reporting.page import page
from sparring.reporting.story import gather

HOSTILE = "<script>alert(1)</script>'\"</script><!--<img src=x onerror=alert(2)>ü"
STYLE = Path(reporting.__file__).with_name("style.css").read_text()


class Reader(HTMLParser):
    """Every tag with its attributes, the text of the page, and that of its script tags."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict]] = []
        self.open: list[str] = []
        self.text = ""
        self.scripts: list[str] = []
        self.feed(text)
        assert not self.open, self.open

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in ("meta", "link", "img", "input"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] == "script":
            self.scripts.append(data)
        elif "style" not in self.open:
            self.text += data

    def all(self, name: str) -> list[dict]:
        return [attributes for tag, attributes in self.tags if tag == name]


def read(run: Path) -> Reader:
    return Reader(page(gather(run)))


@pytest.fixture
def trained(tmp_path):
    """A run of three rounds on pictures, that are still there."""
    rng = np.random.default_rng(0)
    np.save(tmp_path / "pictures.npy", rng.integers(0, 256, (60, 12, 8, 3), dtype=np.uint8))
    small = {"batch": 4, "options": {"width": 4, "latent_dim": 4}, "recipe": "dcgan", "doctor": "off"}
    return sparring.train(tmp_path / "pictures.npy", rounds=3, log_every="1", out=tmp_path / "run", **small).path


def test_a_page_tells_the_whole_story_in_order(trained, health):
    with (trained / "log.jsonl").open("a") as log:
        log.write(json.dumps(health(2)) + "\n" + json.dumps(health(3, "converged", evidence="like reals")) + "\n")
    sparring.evaluate(trained)
    said = read(trained)
    titles = [
        "converged", "recipe", "Verdicts", "At one round", "The same noise, round by round", "Distance from the data",
        "A fresh judge", "The discriminator is right", "Precision", "discriminator: real", "generator: fake", "Classes",
        "What else the doctor measured", "Beside the training data", "The newest evaluation", "Play it again",
        f"sparring train {trained.parent / 'pictures.npy'} --recipe dcgan", "config.toml",
    ]  # fmt: skip
    places = [said.text.find(title) for title in titles]
    assert -1 not in places, titles[places.index(-1)]
    assert places == sorted(places)
    assert "like reals" in said.text
    assert (trained / "config.toml").read_text() in said.text


def test_what_a_doctor_really_writes_is_understood(tmp_path):
    small = {"batch": 8, "options": {"width": 8}, "recipe": "gan", "doctor": "1"}
    run = sparring.train("ring", rounds=12, out=tmp_path / "run", **small)
    last, story = run.health()[-1], gather(run.path)
    said = Reader(page(story))
    for words in (
        last["verdict"].replace("-", " "),
        last["evidence"][1:],
        last["advice"][1:],
        "warming up",
        "best checkpoint",
    ):
        assert words in said.text
    assert len(story.readings) == len(run.health()) > 5
    assert story.best == run.directory.noted_best()
    for title in (
        "Distance from the data",
        "A fresh judge",
        "The discriminator is right",
        "Recall",
        "Classes",
        "moved",
    ):
        assert title in said.text
    assert len(said.all("li")) >= 8  # the modes of the ring


@pytest.mark.parametrize(
    ("shape", "says"),
    [((1, 8, 8), "8x8 grey"), ((3, 9, 20), "9x20 RGB"), ((4, 30, 7), "30x7 RGBA"), ((2,), "points of 2 dimensions")],
)
@pytest.mark.parametrize("doctor", [True, False])
def test_any_data_with_a_doctor_or_without(make, terms, shape, says, doctor):
    said = read(make(shape=shape, log=None if doctor else terms([1, 9])))
    assert says in said.text
    assert ("No diagnosis" in said.text) is not doctor
    assert ("Distance from the data" in said.text) is doctor
    assert len([image for image in said.all("img") if image["alt"].startswith("Samples")]) == 3


def test_a_run_killed_after_its_first_line(make, terms):
    said = read(make(log=terms([1]), sheets=[0]))
    assert "generator: fake" in said.text


def test_a_run_killed_before_its_first_line(make):
    said = read(make(log=[], sheets=[]))
    assert "Play it again" in said.text
    assert not said.all("svg")


def test_a_run_that_went_to_nan(make, terms, health):
    log = [*terms([1, 2]), *terms([3], **{"discriminator/real": float("nan"), "generator/fake": 3e38})]
    said = read(make(log=[*log, health(2), health(3, "diverged", signals={"finite": False, "distance": float("nan")})]))
    assert "diverged" in said.text
    assert "NaN" not in "".join(said.scripts[:1])


def test_nothing_of_the_users_becomes_a_tag(make, health, terms):
    log = [
        *terms([5], **{f"{HOSTILE}/{HOSTILE}": 1.0}),
        health(4, HOSTILE),
        health(5, HOSTILE, evidence=HOSTILE, advice=HOSTILE),
    ]
    log += [health(5, signals={HOSTILE: 1.0, "classes": [1.0, 2.0]})]
    options = {"evaluate_features": HOSTILE, "log_every": HOSTILE, "device": HOSTILE, "data": {"source": f"/{HOSTILE}"}}
    run = make(log=log, name=HOSTILE.replace("/", "_"), classes=[HOSTILE, "b"], **options)
    rows = [{"name": HOSTILE, "value": 1.0, "floor": None, "better": HOSTILE}]
    metrics = {"round": 5, "rows": rows, "notes": [HOSTILE], "extractor": HOSTILE, "copies": {"flagged": True}}
    (run / "metrics.jsonl").write_text(json.dumps(metrics) + "\n")
    document = page(gather(run))
    said = Reader(document)
    assert len(said.all("script")) == 2
    assert document.count("<!--") == 0
    assert not any(key.startswith("on") for _, attributes in said.tags for key in attributes)
    assert all(image["src"].startswith("data:image/webp;base64,") for image in said.all("img"))
    assert said.text.count(HOSTILE) > 10
    assert HOSTILE in json.dumps(json.loads(said.scripts[0]), ensure_ascii=False).replace('\\"', '"')


def test_no_address_leads_out_of_the_page(trained):
    document = page(gather(trained))
    said = Reader(document)
    for _, attributes in said.tags:
        for name in ("src", "href", "action", "srcset", "data"):
            assert attributes.get(name, "data:").startswith("data:")
    assert not re.search(r"@import|url\(", STYLE)
    assert not re.search(r"fetch|XMLHttp|import\(|WebSocket|https?:", "".join(said.scripts))


def test_the_policy_allows_the_pages_own_script_and_no_other(make):
    said = read(make())
    (policy,) = (each["content"] for each in said.all("meta") if each.get("http-equiv") == "Content-Security-Policy")
    assert policy.startswith("default-src 'none'; ")
    digest = b64encode(sha256(said.scripts[1].encode()).digest()).decode()
    (scripts,) = re.findall(r"script-src ([^;]*);", policy)
    assert scripts == f"'sha256-{digest}'"


def test_every_curve_is_described_and_every_picture_too(trained):
    said = read(trained)
    pictures = said.all("svg")
    assert pictures
    for each in pictures:
        assert each["role"] == "img"
        assert re.search(r": .+ at round .+; lowest .+, highest .+\.", each["aria-label"])
    assert all(image["alt"] for image in said.all("img"))
    assert all(slider["aria-label"] for slider in said.all("input"))


def test_samples_stand_beside_their_nearest_examples(trained):
    said = read(trained)
    assert [image["alt"] for image in said.all("img")][-16:] == ["Sample", "Nearest training example"] * 8
    assert "the 8 of 64 samples of the latest checkpoint" in said.text
    assert "the nearest of 54 in random features" in said.text


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        ("gone", "is not at .* any more"),
        ("changed", "has changed since the run began"),
        ("no checkpoint", "has no checkpoint yet"),
        ("bad checkpoint", "is truncated or was altered"),
    ],
)
def test_a_page_says_why_there_are_no_neighbors(trained, damage, says):
    source, checkpoint = trained.parent / "pictures.npy", trained / "checkpoints" / "000003"
    if damage == "gone":
        source.unlink()
    elif damage == "changed":
        np.save(source, np.load(source)[::-1])
    elif damage == "no checkpoint":
        checkpoint.rename(trained / "elsewhere")
    else:
        (checkpoint / "networks.safetensors").write_bytes(b"")
    said = read(trained)
    assert re.search(f"Not shown: .*{says}", said.text)
    assert "Play it again" in said.text


def test_the_best_checkpoint_is_the_one_that_is_sampled(trained):
    checkpoints = trained / "checkpoints"
    (checkpoints / "000003").rename(checkpoints / "best")
    assert "has no checkpoint yet" in read(trained).text
    (checkpoints / "best.json").write_text('{"round": 3, "distance": 0.5}')
    said = read(trained)
    assert "samples of the best checkpoint" in said.text
    assert "round 3, distance 0.5" in said.text


def test_classes_have_their_names(make, health):
    story = read(make(log=[health(3)], classes=["ant", "bee", "cat"]))
    for words in ("ant", "bee", "cat"):
        assert words in story.text
    assert "rarest" not in story.text


def test_of_many_classes_the_rarest_are_shown(make, health):
    shares = [1.0] * 99
    shares[70] = 0.0
    document = page(gather(make(log=[health(3, signals={"classes": shares})])))
    said = Reader(document)
    assert "The 40 rarest of 99 are shown" in said.text
    assert len(said.all("li")) == 40
    assert '<span title="70">70</span>' in document


def test_a_long_noisy_run_stays_small(make, terms, health):
    rng = np.random.default_rng(0)
    log = []
    for k in range(1, 3001):
        log += terms([k], **{f"player/term{n}": v for n, v in enumerate(rng.normal(size=20).tolist())})
        signals = {f"s{n}": v for n, v in enumerate(rng.normal(size=20).tolist())}
        log.append(health(k, ["learning", "stalled"][k % 2], evidence="e" * 200, advice="a" * 100, signals=signals))
    run = make(shape=(3, 32, 32), log=log, sheets=[0])
    for k in range(1, 60):
        for ending in (".png", ".safetensors"):
            first = run / "samples" / f"000000{ending}"
            (run / "samples" / f"{k:06d}{ending}").write_bytes(first.read_bytes())
    document = page(gather(run))
    assert document.count('alt="Samples') == 40
    assert 2_500_000 < len(document.encode()) < 5_000_000


def test_a_hundred_thousand_lines_are_thinned(make, terms):
    run = make(log=terms(range(1, 100_001)), sheets=[])
    assert len(page(gather(run))) < 100_000


def luminance(colour: str) -> float:
    parts = [int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
def test_all_text_can_be_read_in_both_themes(theme):
    blocks = re.findall(r":root \{([^}]*)\}", STYLE)
    assert len(blocks) == 2
    colours = dict(re.findall(r"--(\w+): (#\w{6})", blocks[theme]))
    papers = [luminance(colours[name]) for name in ("paper", "raised")]
    names = {"ink", "muted", "main", "second", "floor", "quiet", "going", "good", "warning", "bad"}
    for name in names:
        for paper in papers if name in ("ink", "muted") else papers[:1]:
            dark, light = sorted([luminance(colours[name]), paper])
            assert (light + 0.05) / (dark + 0.05) >= 4.5, name  # WCAG 2.1, AA


def test_the_python_function_writes_and_returns_its_path(make, tmp_path):
    run = make()
    assert sparring.report(run) == run / "report.html"
    assert sparring.report(str(run), out=tmp_path / "deep" / "page.html").read_text() == page(gather(run))
    assert not list(run.glob("*.part")) + list(run.glob(".*"))
    with Image.open(next((run / "samples").iterdir())) as sheet:
        assert sheet.size == (462, 462)  # what is reported on stays as it was
