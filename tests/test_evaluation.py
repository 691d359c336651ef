import json
import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

import sparring
from sparring import evaluation, scoring
from sparring.data import toys, viewed
from sparring.errors import UserError
from sparring.loop import DivergedError
from sparring.metrics import extractors
from sparring.metrics.table import Row


def shapes(n: int, seed: int, channels: int = 1, side: int = 12) -> np.ndarray:
    """Discs of many places, sizes and shades, uint8 `(n, side, side, channels)`."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:side, :side]
    center, radius = rng.uniform(3, side - 3, (n, 2, 1, 1)), rng.uniform(1.5, 4, (n, 1, 1))
    inside = (y - center[:, 0]) ** 2 + (x - center[:, 1]) ** 2 < radius**2
    shade = rng.uniform(120, 255, (n, 1, 1, channels))
    return (inside[..., None] * shade + rng.normal(8, 3, (n, side, side, channels))).clip(0, 255).astype(np.uint8)


def bright(pictures: np.ndarray) -> np.ndarray:
    return pictures[pictures.max((1, 2, 3)) > 200]


REALS = shapes(600, 0)


def scored(fake: np.ndarray, reals: np.ndarray = REALS, **arguments):
    return sparring.evaluate(fake, against=reals, **arguments)


def test_other_reals_are_told_from_reals_by_no_metric():
    found = scored(shapes(600, 1))
    assert found.extractor == "random"
    assert {row.name for row in found.rows if row.beyond > 4} == set()
    assert not found.copies.flagged
    assert all(row.n == 300 for row in found.rows)


def test_other_points_are_told_from_points_by_no_metric_however_near_their_neighbours_lie():
    found = scored(toys.ring(1000, seed=7), "ring", samples=1000)
    assert {row.name for row in found.rows if row.beyond > 4} == set()
    assert 1000 < found["support"].floor < math.inf
    assert 0.8 < found.copies.test.ratio < 1.25
    assert not found.copies.flagged


def test_mirrored_samples_of_mirrored_data_are_told_by_no_metric():
    left = np.tril(np.ones((12, 12), bool))[..., None] * shapes(900, 0)
    flipped = np.where(np.random.default_rng(1).random((300, 1, 1, 1)) < 0.5, left[600:], left[600:, :, ::-1])
    found = scored(flipped, sparring.data.open(left[:600], mirror=True))
    assert {row.name for row in found.rows if row.beyond > 4} == set()
    plain = scored(flipped, left[:600])
    assert plain["judge"].beyond > 4


def test_the_closest_pair_is_named_by_its_place_in_what_was_given():
    data = sparring.data.open(REALS)
    fakes = shapes(200, 1)
    fakes[7] = data.train["x"][11].transpose(1, 2, 0)
    found = scored(fakes, data)
    test = found.to_dict()["copies"]["test"]
    assert (test["closest"][0], test["partners"][0], found.copies.exact) == (7, 11, 1)
    for side in found.copies.pairs[0]:
        np.testing.assert_array_equal(side, data.train["x"][11])
    assert not np.array_equal(*found.copies.pairs[1])


def test_mifid_is_of_the_training_data():
    data = sparring.data.open(REALS)
    copied = scored(np.asarray(data.train["x"]).transpose(0, 2, 3, 1)[:300], data)["MiFrechet"]
    assert copied.value > 1e4 * copied.floor
    assert scored(shapes(300, 1), data)["MiFrechet"].value < 5 * copied.floor


IMPOSTORS = {
    "noise": lambda: np.random.default_rng(1).integers(0, 256, REALS.shape, dtype=np.uint8),
    "a constant picture": lambda: np.full_like(REALS, 60),
    "one sample, again and again": lambda: np.repeat(REALS[:1], 600, 0),
    "shuffled pixels": lambda: np.random.default_rng(1).permuted(REALS.reshape(600, -1), axis=1).reshape(REALS.shape),
    "half of the kinds": lambda: bright(shapes(1500, 2))[:600],
}


@pytest.mark.parametrize("name", IMPOSTORS)
def test_every_impostor_is_far_beyond_the_floor_of_some_metric(name):
    found = scored(IMPOSTORS[name]())
    assert max(row.beyond for row in found.rows) > 5


@pytest.mark.parametrize("changed", ["to the bit", "by a pixel of shift", "mirrored, with noise"])
def test_a_replay_of_the_training_data_is_flagged(changed):
    data = sparring.data.open(REALS)
    replay = np.asarray(data.train["x"]).transpose(0, 2, 3, 1)[:300]
    if changed == "by a pixel of shift":
        replay = np.roll(replay, 1, axis=1)
    if changed == "mirrored, with noise":
        noise = np.random.default_rng(0).normal(0, 4, replay.shape)
        replay = (replay[:, :, ::-1] + noise).clip(0, 255).astype(np.uint8)
    found = scored(np.ascontiguousarray(replay), data)
    assert found.copies.flagged
    assert (found.copies.exact > 0) == (changed == "to the bit")


def test_a_small_set_is_tested_for_copies_too():
    data = sparring.data.open(shapes(100, 4))
    replay = np.asarray(data.train["x"]).transpose(0, 2, 3, 1)[:30]
    partly = scored(np.concatenate([replay, shapes(20, 5)]), data)
    assert partly.copies.flagged
    assert partly.copies.exact >= 30
    assert len(partly.copies.pairs)
    moved = scored(np.ascontiguousarray(np.roll(replay, 1, axis=1)), data)
    assert moved.copies.flagged
    assert not any(scored(shapes(50, seed), data).copies.test.flagged() for seed in range(5, 8))


def test_a_row_says_on_which_side_of_the_floor_it_lies():
    assert Row("m", 3.0, 0.5, 2.0, 0.0, "lower", 100).beyond == 2.0
    assert Row("m", 1.0, 0.5, 2.0, 0.0, "lower", 100).beyond == 0.0
    assert Row("m", 1.0, 0.5, 2.0, 0.0, "higher", 100).beyond == 2.0
    assert Row("m", 1.0, 0.5, 2.0, 0.0, "floor", 100).beyond == 2.0
    assert Row("m", 9.0, None, 2.0, None, "lower", 100).beyond == 0.0
    assert Row("KL", math.inf, None, 0.0, 0.0, "lower", 100).beyond == math.inf
    assert Row("modes", 7.0, 0.0, 8.0, 0.0, "higher", 100).beyond == math.inf
    assert Row("support", math.inf, None, 5000.0, None, "floor", 100).beyond == 0.0


def found(value: float, **other) -> evaluation.Evaluation:
    provenance = {"fingerprint": "f", "shape": [2], "mirror": False, "samples": 100} | other
    row = Row("m", value, 0.3, 0.0, 0.0, "lower", provenance["samples"])
    return evaluation.Evaluation((row,), None, "random", provenance.pop("digest", "d"), (), provenance)


def test_differences_within_noise_are_not_differences():
    assert not evaluation.exceeds_noise(found(1.0), found(1.5), "m")
    assert evaluation.exceeds_noise(found(1.0), found(2.0), "m")


@pytest.mark.parametrize(
    ("other", "what"),
    [
        ({"digest": "e"}, "features never compare: random d and random e"),
        ({"samples": 50}, "samples never compare: 100 and 50"),
        ({"shape": [3]}, "shape never"),
        ({"fingerprint": "g"}, "fingerprint never"),
    ],
)
def test_numbers_of_different_protocols_never_compare(other, what):
    with pytest.raises(UserError, match=what):
        evaluation.exceeds_noise(found(1.0), found(2.0, **other), "m")


def test_a_metric_without_a_standard_error_tells_no_noise():
    row = Row("support", 100.0, None, 90.0, None, "floor", 100)
    with pytest.raises(UserError, match="without a standard error"):
        evaluation.exceeds_noise(replace(found(1.0), rows=(row,)), replace(found(2.0), rows=(row,)), "support")


def test_a_run_is_scored_against_its_own_data_and_keeps_the_record(tmp_path):
    run = sparring.train("ring", recipe="gan", rounds=3, batch=16, out=tmp_path / "run")
    found = sparring.evaluate(run.path, samples=200)
    assert found.extractor == "identity"
    assert {"modes", "within 3 sigma", "KL", "Wasserstein"} <= {row.name for row in found.rows}
    assert found["modes"].floor == 8
    (line,) = (run.path / "metrics.jsonl").read_text().splitlines()
    record = json.loads(line)
    assert record["provenance"]["samples"] == 200
    assert record["provenance"]["reals"] == "ring"
    assert record["digest"] == found.digest
    assert len(record["rows"]) == len(found.rows)
    assert record["round"] == 3


def test_a_run_that_is_evaluated_as_it_goes_trains_as_if_it_were_not(tmp_path):
    common = {"recipe": "gan", "rounds": 7, "batch": 16, "seed": 3}
    plain = sparring.train("ring", **common, out=tmp_path / "plain")
    scored = sparring.train("ring", **common, out=tmp_path / "scored", evaluate_every=3, evaluate_samples=100)
    assert scored.directory.latest().name == plain.directory.latest().name == "000007"
    for file in scored.directory.latest().iterdir():
        assert file.read_bytes() == (plain.directory.latest() / file.name).read_bytes()
    records = scored.directory.records(scored.directory.metrics)
    assert [record["round"] for record in records] == [3, 6, 7]
    again = sparring.evaluate(scored.path, samples=100)
    assert json.loads(json.dumps(again.to_dict()["rows"])) == records[-1]["rows"]
    assert not plain.directory.metrics.exists()


def test_a_run_that_diverges_while_it_is_evaluated_is_said_to_diverge(tmp_path):
    def sample(networks, noise, given):
        return networks.G(noise) * torch.inf

    game = replace(sparring.duel(torch.nn.Linear(2, 2), torch.nn.Linear(2, 1), latent=2), sample=sample)
    with pytest.raises(DivergedError, match="a sample"):
        sparring.train(
            "ring", game=game, rounds=2, batch=8, out=tmp_path / "run", evaluate_every=1, evaluate_samples=50,
            sample_every=100,
        )  # fmt: skip


def test_a_run_may_be_given_as_train_returned_it(tmp_path):
    run = sparring.train("ring", recipe="gan", rounds=2, batch=8, out=tmp_path / "run")
    assert sparring.evaluate(run, samples=50)["modes"].n == 50
    for wrong in ("run", []):
        with pytest.raises(UserError, match="a list"):
            sparring.compare(wrong)
    run.directory.metrics.unlink()
    run.directory.metrics.mkdir()
    with pytest.raises(UserError, match="cannot write"):
        sparring.evaluate(run, samples=50)


def test_data_that_cannot_be_evaluated_is_refused_before_anything_is_written(tmp_path):
    few = np.random.default_rng(0).normal(size=(30, 2))
    with pytest.raises(UserError, match="too few to judge"):
        sparring.train(few, recipe="gan", rounds=2, batch=4, out=tmp_path / "run", evaluate_every=1)
    assert not (tmp_path / "run").exists()


def test_runs_on_different_data_do_not_compare(tmp_path):
    runs = [
        sparring.train(data, recipe="gan", rounds=2, batch=8, out=tmp_path / data).path for data in ("ring", "grid")
    ]
    with pytest.raises(UserError, match="trained on different data"):
        sparring.compare(runs)


def test_the_classifier_is_trained_on_the_reference_alone(monkeypatch):
    labelled = (np.concatenate([shapes(300, 3) // 3, shapes(300, 4)]), np.repeat([0, 1], 300))
    plain, trained_on = extractors.trained_classifier, []

    def watched(pictures, labels, classes, **more):
        trained_on.append((pictures, labels))
        return plain(pictures, labels, classes, **more)

    monkeypatch.setattr(extractors, "trained_classifier", watched)
    scored(shapes(100, 5), labelled, samples=100)
    ((pictures, labels),) = trained_on
    assert len(pictures) == 100
    assert (labels == (pictures.max((1, 2, 3)) > 100)).all()


def test_labels_that_do_not_do_for_a_classifier_leave_random_features_and_a_note():
    rare = (REALS, np.eye(600, dtype=int)[0])
    found = scored(shapes(300, 1), rare, samples=100)
    assert found.extractor == "random"
    assert "random features: a classifier needs labels of two classes" in found.notes[0]


def test_the_classifier_reads_classes():
    dark, bright = shapes(300, 3) // 3, shapes(300, 4)
    labelled = (np.concatenate([dark, bright]), np.repeat([0, 1], 300))
    both = scored(np.concatenate([shapes(300, 5) // 3, shapes(300, 6)]), labelled)
    assert both.extractor == "classifier"
    assert float(both.notes[0].split("reads ")[1].split("%")[0]) > 90
    one = scored(shapes(600, 5), labelled)
    assert one["Inception Score"].value < 1.2 < 1.7 < one["Inception Score"].floor
    assert one["recall"].beyond > 4


def test_a_module_of_the_users_own_gives_features():
    found = scored(shapes(300, 1), features=torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(144, 5)))
    assert found.extractor == "Sequential"
    assert found["Frechet"].value >= 0


WRONG = {
    "mixed sizes": (lambda: scored(shapes(100, 1, side=16)), "16x16 with 1 channel and reals of 12x12"),
    "other channels": (lambda: scored(shapes(100, 1, channels=3)), "12x12 with 3 channels and reals of 12x12 with 1"),
    "too few": (lambda: scored(shapes(12, 1)), "12 samples beside 12 reals are too few"),
    "no reals": (lambda: sparring.evaluate(shapes(100, 1)), "an array is not a run"),
    "no such path": (lambda: sparring.evaluate("nowhere"), "there is nothing at nowhere"),
    "no such features": (lambda: scored(REALS, features="randon"), "did you mean random"),
    "features of points": (lambda: scored(REALS, features="identity"), "not for pictures"),
    "no labels": (lambda: scored(REALS, features="classifier"), "need reals with labels"),
    "one class": (
        lambda: scored(REALS, (REALS, np.zeros(600, int)), features="classifier"),
        "labels of two classes",
    ),
    "NaN": (lambda: sparring.evaluate(np.full((50, 2), np.nan), against="ring"), "not finite"),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_input_is_one_line(name):
    act, message = WRONG[name]
    with pytest.raises(UserError) as caught:
        act()
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_fewer_samples_than_dimensions_leave_the_frechet_distance_out_and_say_so():
    found = scored(shapes(100, 1))
    assert "Frechet" not in {row.name for row in found.rows}
    assert "no Frechet distance: halves of 100 samples are no more than its 64 dimensions" in found.notes[0]


def test_extractors_are_known_by_all_that_decides_their_numbers():
    assert extractors.random_network(1).digest == extractors.random_network(1).digest
    digests = {
        extractors.random_network(c, d, s).digest for c, d, s in ((1, 64, 0), (3, 64, 0), (1, 32, 0), (1, 64, 1))
    }
    assert len(digests) == 4


def test_efficientnet_sees_grey_colour_and_transparency():
    extractor = extractors.efficientnet(side=64)
    torch.manual_seed(0)
    expected = torch.rand(1)
    torch.manual_seed(0)
    extractors.efficientnet(side=64)
    assert torch.equal(torch.rand(1), expected)  # the caller's generator is left alone
    grey, alpha = shapes(4, 0), np.concatenate([shapes(4, 0, 3), np.full((4, 12, 12, 1), 255, np.uint8)], 3)
    for pictures in (grey, np.repeat(grey, 3, 3), alpha):
        found = extractor(pictures.transpose(0, 3, 1, 2))
        assert found.features.shape == (4, 1280)
        assert found.logits.shape == (4, 1000)
    same = [extractor(each.transpose(0, 3, 1, 2)).features for each in (grey, np.repeat(grey, 3, 3))]
    torch.testing.assert_close(*same)


def test_reals_that_come_sorted_are_not_taken_for_copies(monkeypatch):
    # the dark half lies nearer together: were the first held-out reals all bright, dark samples would seem copies
    monkeypatch.setattr(scoring, "COPY_TEST_SAMPLES", 60)
    reals = np.concatenate([shapes(600, 7), shapes(600, 8) // 4])
    fakes = np.concatenate([shapes(150, 9), shapes(150, 10) // 4])
    assert not scored(fakes, reals, samples=300).copies.flagged
    few = sparring.data.open(reals)
    # what is held out is too little by itself: training examples stand beside it
    few = replace(few, kept={name: column[:10] for name, column in few.kept.items() if column is not None})
    found = scored(fakes, few, samples=300)
    assert not found.copies.flagged
    assert "training examples" in found.copies.beside


def test_only_reals_that_are_looked_at_are_embedded(monkeypatch):
    monkeypatch.setattr(scoring, "COPY_TEST_EXAMPLES", 100)
    data, rows = sparring.data.open(REALS), []
    cheap = extractors.random_network(1)
    counting = replace(cheap, embed=lambda x: rows.append(len(x)) or cheap.embed(x))
    scorer = scoring.Scorer(
        viewed(replace(data, kept={k: v[:30] for k, v in data.kept.items()}), "x"), "", counting, 40
    )
    assert sum(rows) <= 40 + 40 + 100 + 30 + 10 * 30
    assert any("100 of 540 training examples" in note for note in scorer(torch.from_numpy(data.train["x"][:40])).notes)
    copied = scorer(torch.from_numpy(np.asarray(data.train["x"])[100:200])).copies
    assert copied.flagged
    for partner, pair in zip(copied.test.partners, copied.pairs, strict=True):
        np.testing.assert_array_equal(pair[1], data.train["x"][partner])


def test_data_full_of_duplicates_is_said_to_be_so():
    notes = scored(shapes(300, 1), np.concatenate([REALS, REALS[:60]])).notes
    assert any("exact duplicates" in note for note in notes)
    assert not any("exact duplicates" in note for note in scored(shapes(300, 1)).notes)
    small = scored(shapes(50, 1), np.concatenate([REALS[:80], REALS[:20]])).notes
    assert any("exact duplicates" in note for note in small)


def test_reals_are_brought_to_the_size_and_channels_of_the_run(tmp_path, monkeypatch):
    class StopError(Exception):
        pass

    def scorer(data, *_, **__):
        raise StopError(data.shape)

    monkeypatch.setattr(evaluation, "Scorer", scorer)
    options = {"width": 4, "latent_dim": 4, "batch": 8}
    run = sparring.train(
        REALS[:60], recipe="gan", channels=3, rounds=1, doctor="off", options=options, out=tmp_path / "run"
    )
    (tmp_path / "other").mkdir()
    for i, picture in enumerate(shapes(40, 7, channels=4, side=14)):
        Image.fromarray(picture).save(tmp_path / "other" / f"{i:02}.png")
    with pytest.raises(StopError) as found:
        sparring.evaluate(run, against=tmp_path / "other", samples=20)
    assert found.value.args == ((3, 12, 12),)
    with pytest.raises(UserError, match="do not compare"):
        sparring.evaluate(run, against=tmp_path / "other", size=(6, 6), samples=20)


def test_the_other_data_is_read_by_the_runs_range_and_frames(tmp_path, monkeypatch):
    class StopError(Exception):
        pass

    def scorer(data, *_, **__):
        raise StopError(data.stored)

    monkeypatch.setattr(evaluation, "Scorer", scorer)
    given = np.random.default_rng(0).integers(0, 1000, (40, 8, 8), dtype=np.uint16)
    options = {"width": 4, "latent_dim": 4, "batch": 8}
    asked: dict[str, Any] = {"range": (0.0, 2000.0), "frames": "all"}
    run = sparring.train(given, recipe="gan", rounds=1, doctor="off", options=options, out=tmp_path / "run", **asked)
    opened: list[dict[str, Any]] = []
    real = sparring.data.open
    monkeypatch.setattr(sparring.data, "open", lambda *each, **named: opened.append(named) or real(*each, **named))
    with pytest.raises(StopError) as found:
        sparring.evaluate(run, against=given, samples=20)
    assert found.value.args[0].max() == round(given.max() / 2000 * 255)
    assert opened[0]["frames"] == "all"


@pytest.fixture
def embedded(monkeypatch):
    """How many pictures a random network has seen."""
    seen, plain = [], extractors.RandomStatistics.__call__

    def counted(self, pictures):
        seen.append(len(pictures))
        return plain(self, pictures)

    monkeypatch.setattr(extractors.RandomStatistics, "__call__", counted)
    # the judge's own statistics are no features
    monkeypatch.setattr("sparring.metrics.table.RandomStatistics", lambda *_: lambda x: x.float().mean((2, 3)))
    return seen


def plain_rows(found: evaluation.Evaluation) -> dict:
    return {key: value for key, value in found.to_dict().items() if key != "provenance"}


def test_a_second_evaluation_embeds_no_real(embedded):
    fakes = shapes(100, 1)
    first = scored(fakes, samples=100)
    whole = sum(embedded)
    embedded.clear()
    again = scored(fakes, samples=100)
    assert sum(embedded) == 100 * 10 < whole / 2  # each sample and its nine moved views
    assert plain_rows(again) == plain_rows(first)
    embedded.clear()
    scored(fakes, samples=100, cache=False)
    assert sum(embedded) == whole


def test_reals_that_differ_by_a_pixel_are_embedded_anew(embedded):
    scored(shapes(100, 1), samples=100)
    whole, other = sum(embedded), REALS.copy()
    embedded.clear()
    other[0, 0, 0] ^= 1
    scored(shapes(100, 1), other, samples=100)
    assert sum(embedded) > whole / 2


def test_a_damaged_cache_gives_the_same_numbers(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    first = scored(shapes(100, 1), samples=100)
    files = list((tmp_path / "sparring" / "features").iterdir())
    assert len(files) == 2  # the reals, and held-out ones moved
    for path in files:
        path.write_bytes(path.read_bytes()[:-10])
    assert plain_rows(scored(shapes(100, 1), samples=100)) == plain_rows(first)


def test_without_a_cache_nothing_is_written(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    scored(shapes(100, 1), samples=100, cache=False)
    scored(toys.ring(200, 1), toys.ring(600, 0))  # points are their own features
    assert not list(tmp_path.iterdir())


def test_a_classifier_is_trained_once(monkeypatch):
    labelled, times = (REALS, np.arange(600) % 2), []
    plain = extractors.trained_classifier
    monkeypatch.setattr(extractors, "trained_classifier", lambda *a, **k: times.append(1) or plain(*a, **k))
    state = torch.get_rng_state()
    first, again = (scored(shapes(100, 1), labelled, samples=100) for _ in range(2))
    assert len(times) == 1
    assert plain_rows(first) == plain_rows(again)
    assert torch.equal(torch.get_rng_state(), state)
    scored(shapes(100, 1), (REALS, (np.arange(600) + 1) % 2), samples=100)
    assert len(times) == 2


def test_features_of_a_module_of_the_users_own_are_not_kept(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    scored(shapes(100, 1), samples=100, features=torch.nn.Flatten())  # its digest does not say how it computes
    assert not list(tmp_path.iterdir())


def test_a_bar_is_told_every_part_and_never_goes_back():
    told = []
    fakes = [shapes(100, seed) for seed in (1, 2)]
    sparring.compare(fakes, against=REALS, samples=100, progress=lambda *each: told.append(each))
    shares = [share for _, share in told]
    assert shares == sorted(shares)
    assert (shares[0], shares[-1]) == (0.0, 1.0)
    assert max(np.diff(shares)) < 0.2
    assert list(dict.fromkeys(part for part, _ in told)) == [
        "reading the reals", "samples of an array (1 of 2)", "samples of an array (2 of 2)", "features of the reals",
        "metrics of the reals", "features of an array (1 of 2)", "metrics of an array (1 of 2)",
        "features of an array (2 of 2)", "metrics of an array (2 of 2)", "done",
    ]  # fmt: skip


def test_batches_are_brought_to_the_extractors_device():
    devices = []

    def embed(part):
        devices.append(part.device.type)
        return torch.zeros(len(part), 2), None

    extractor = extractors.Extractor("fake", "0", embed, 7, torch.device("meta"))
    assert extractor(np.zeros((20, 1, 8, 8), np.uint8)).features.shape == (20, 2)
    assert devices == ["meta"] * 3


@pytest.mark.parametrize(
    "make", [lambda where: extractors.random_network(3, device=where), lambda where: extractors.efficientnet(32, where)]
)
def test_all_that_an_extractor_computes_with_is_on_its_device(make):
    meta = torch.device("meta")  # where nothing mixes with tensors of the processor
    extractor = make(meta)
    assert extractor.device == meta
    features, _ = extractor.embed(torch.zeros(2, 3, 16, 16, dtype=torch.uint8, device=meta))
    assert features.device == meta
    assert make(torch.device("cpu")).digest == extractor.digest


def test_a_module_stays_on_its_device():
    module = torch.nn.Linear(4, 2)
    assert extractors.from_module(module, "mine").device.type == "cpu"


@pytest.mark.parametrize(
    ("own", "here", "wanted", "expected"),
    [("mps", True, None, "mps"), ("mps", False, None, "cpu"), ("cpu", True, "mps", "mps"), ("mps", True, "cpu", "cpu")],
)
def test_a_run_is_sampled_and_seen_on_its_own_device_or_the_one_asked_for(
    tmp_path, monkeypatch, own, here, wanted, expected
):
    run = sparring.train("ring", recipe="gan", rounds=1, batch=16, doctor="off", out=tmp_path / "run")
    config = run.path / "config.toml"
    config.write_text(config.read_text().replace('device = "cpu"', f'device = "{own}"'))
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: here)
    devices, plain = [], evaluation.workflows.sampler

    def sampler(path, *, device, **more):
        devices.append(device)
        return plain(path, **more)

    def scorer(*_, device, **more):
        devices.append(str(device))
        raise StopIteration

    monkeypatch.setattr(evaluation.workflows, "sampler", sampler)
    monkeypatch.setattr(evaluation, "Scorer", scorer)
    with pytest.raises(StopIteration):
        sparring.evaluate(run, device=wanted)
    assert devices == [expected, expected]


def test_a_device_that_is_not_here_is_refused_where_it_was_asked_for():
    with pytest.raises(UserError, match="no mps device here"):
        scored(shapes(100, 1), samples=100, device="mps")


def test_folded_networks_say_the_same():
    network = extractors.Classifier(3, 4)
    for norm in network.modules():
        if isinstance(norm, torch.nn.BatchNorm2d):
            norm.running_mean.uniform_(-1, 1)
            norm.running_var.uniform_(0.5, 2)
    network.eval()
    x = torch.rand(5, 3, 16, 12)
    folded = extractors.folded(network)
    torch.testing.assert_close(folded(x), network(x), rtol=1e-4, atol=1e-5)
    assert not any(isinstance(layer, torch.nn.BatchNorm2d) for layer in folded.modules())


def test_what_is_made_of_training_pictures_is_not_called_a_copy(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    examples = np.random.default_rng(0).integers(0, 256, (60, 8, 8, 3), dtype=np.uint8)
    small = {"options": {"width": 4, "depth": 1, "factor": 2}, "rounds": 1, "doctor": "off"}
    run = sparring.train(examples, recipe="srgan", evaluate_every="1", evaluate_samples=30, **small)
    going = json.loads(run.path.joinpath("metrics.jsonl").read_text().splitlines()[-1])
    after = sparring.evaluate(run.path, samples=30, against=sparring.data.Reduced(sparring.data.open(examples), 2))
    assert (going["copies"], after.copies) == (None, None)
    assert [note in going["notes"] for note in after.notes if "not tested for copies" in note] == [True]
    of_noise = sparring.train(examples, options={"width": 4, "latent_dim": 4}, rounds=1, doctor="off")
    assert sparring.evaluate(of_noise.path, samples=30, against=examples).copies is not None
