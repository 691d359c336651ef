"""The page to play with, in Chromium: its logic by a runtime that draws the noise, and the samples of the real one."""

import io
import json
import os
import tarfile
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

import sparring
from sparring.drawing import noise_of
from sparring.errors import UserError
from sparring.exploring import METHODS
from sparring.exporting import page as pages
from sparring.exporting import runtime, write_page
from sparring.game import Latent, Part
from sparring.workflows import Sampler, generator_of, sampler

HOSTILE = "</script><script>document.title='owned'</script>"
NOISE_SHOWN = """
const known = JSON.parse(document.getElementById("known").textContent);
const area = known.shape.reduce((a, b) => a * b);
class T { constructor(type, data, dims) { Object.assign(this, { type, data, dims }); } }
class S {
  static async create(model) { return model.length === 5 ? new S() : null; }
  async run({ z, y }) {
    const [n, latent] = z.dims;
    const data = new Float32Array(n * area);
    for (let k = 0; k < n; k += 1) {
      for (let i = 0; i < latent; i += 1) data[k * area + i] = z.data[k * latent + i] / 4;
      if (y) data[k * area + area - 1] = Number(y.data[k]) / 2;
    }
    return { x: { data } };
  }
}
const e = { wasm: {} };
export{S as InferenceSession,T as Tensor,e as env};
//# sourceMappingURL=nowhere.map
"""
"""Pixel i shows number i of the noise, from -4 to 4; the last pixel the label."""

PIXELS = """() => {
  const sheet = document.getElementById("sheet");
  const { data } = sheet.getContext("2d").getImageData(0, 0, sheet.width, sheet.height);
  return [sheet.height, sheet.width, [...data]];
}"""


@pytest.fixture(scope="module", params=["projection", "infogan"])
def ready(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Sampler:
    raw = np.random.default_rng(0).integers(0, 256, (24, 8, 8, 1), dtype=np.uint8)
    path = tmp_path_factory.mktemp("runs") / request.param
    options = {"batch": 4, "width": 4, "latent_dim": 6}
    labels = np.array(["ant", HOSTILE])[np.arange(24) % 2]
    sparring.train((raw, labels), recipe=request.param, rounds=2, options=options, doctor="off", out=path)
    return sampler(path)


@pytest.fixture(scope="module")
def shown(ready, tmp_path_factory) -> Path:
    """The page of a run with a runtime that shows the noise."""
    folder = tmp_path_factory.mktemp("page")
    for name, content in ((runtime.SCRIPT, NOISE_SHOWN), (runtime.WASM, ""), (runtime.ABOUT, '{"version": "0"}')):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(content)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pages, "_model", lambda generator: b"model")
        return write_page(ready, HOSTILE, folder / "explore.html", runtime=folder)


def drawn(page, more: int = 0) -> np.ndarray:
    """The samples of a page, uint8 `(N, H, W, 4)`, when so many sheets have been drawn."""
    until = time.monotonic() + 60
    while int(page.locator("#sheet").get_attribute("data-drawn") or 0) < more:
        assert time.monotonic() < until, page.locator("#said").inner_text()
        time.sleep(0.01)
    height, width, data = page.evaluate(PIXELS)
    columns = round(int(page.locator("[name=count]:checked").input_value()) ** 0.5)
    sheet = np.array(data, np.uint8).reshape(height, width, 4)
    sheet = np.pad(sheet, ((0, 1), (0, 1), (0, 0)))  # a gap behind every sample, the last ones too
    cells = sheet.reshape(columns, (height + 1) // columns, columns, (width + 1) // columns, 4)
    return cells[:, :-1, :, :-1].swapaxes(1, 2).reshape(columns**2, cells.shape[1] - 1, cells.shape[3] - 1, 4)


def after(page, act) -> np.ndarray:
    """The samples that are drawn once something was done."""
    before = int(page.locator("#sheet").get_attribute("data-drawn") or 0)
    act()
    return drawn(page, before + 1)


def noise_in(pixels: np.ndarray, dim: int) -> np.ndarray:
    return (pixels[..., 0].reshape(len(pixels), -1)[:, :dim] / 127.5 - 1) * 4


def same(found: np.ndarray, wanted: torch.Tensor) -> bool:
    return bool(np.abs(found - wanted.numpy().clip(-4, 4)).max() <= 4 / 127.5 / 2 + 1e-3)


def slide(page, name: str, value: float):
    return lambda: page.locator(f"#{name}").fill(str(value))


def test_the_noise_is_that_of_the_seeds_and_the_controls_move_it(ready, shown, visit):
    page = visit(shown).page
    generator = generator_of(ready)
    dim = generator.latent_dim
    pixels = drawn(page, 1)
    assert same(noise_in(pixels, dim), noise_of(ready.game, range(16)))
    assert page.locator("#said").inner_text() == "Seeds 0 to 15, as sparring sample draws them"

    page.locator("#seed").fill("998")
    pixels = after(page, page.get_by_label("1", exact=True).click)
    assert same(noise_in(pixels, dim), noise_of(ready.game, [998]))
    pixels = after(page, page.get_by_label("64", exact=True).click)
    assert same(noise_in(pixels, dim), noise_of(ready.game, [998, 999, *range(62)]))

    for amount in (0.3, 1.5):
        pixels = after(page, slide(page, "truncation", amount))
        assert same(noise_in(pixels, dim), noise_of(ready.game, [998, 999, *range(62)], amount))
    after(page, page.get_by_label("Set within ±").click)

    directions = METHODS["sefa"](generator, generator.parts[0].dim)
    moved = noise_of(ready.game, [998, 999, *range(62)])
    moved[:, : directions.shape[1]] += 1.5 * directions[2]
    assert same(noise_in(after(page, slide(page, "direction2", 1.5)), dim), moved)
    assert page.locator("#said").inner_text() == "Seeds 998 to 61, moved"
    pixels = after(page, page.get_by_role("button", name="Reset").click)
    assert same(noise_in(pixels, dim), noise_of(ready.game, [998, 999, *range(62)]))


def test_classes_and_codes_are_chosen(ready, shown, visit):
    page = visit(shown).page
    first = drawn(page, 1)
    if generator_of(ready).classes:
        labels = first[:, -1, -1, 0]
        assert set(labels.tolist()) == {128, 191}  # each seed has its own
        assert labels.tolist() == [128 if label == 0 else 191 for label in ready.kept["y"][:16]]
        pixels = after(page, lambda: page.get_by_label("Class").select_option("1"))
        assert set(pixels[:, -1, -1, 0].tolist()) == {191}
        return
    wanted = noise_of(ready.game, range(16))
    wanted[:, 6:16] = 0
    wanted[:, 6 + 3] = 1
    assert same(noise_in(after(page, lambda: page.get_by_label("category").select_option("3")), 18), wanted)
    wanted[:, 17] = -0.5
    assert same(noise_in(after(page, slide(page, "code17", -0.5)), 18), wanted)
    assert page.get_by_label("Set value2").is_checked()


def test_the_pad_moves_two_directions_by_keys_and_by_pointing(shown, visit):
    page = visit(shown).page
    drawn(page, 1)
    pad = page.locator("#pad")
    pad.scroll_into_view_if_needed()
    pad.focus()
    for key in ("Shift+ArrowRight", "ArrowUp", "ArrowUp"):
        after(page, lambda key=key: page.keyboard.press(key))
    assert [page.locator(f"#direction{k}").input_value() for k in (0, 1)] == ["1", "0.2"]
    assert page.locator("#place").inner_text() == "across 1.0, up 0.2"
    box = pad.bounding_box()
    after(page, lambda: page.mouse.click(box["x"] + box["width"] / 4, box["y"] + box["height"] / 4))
    assert [page.locator(f"#direction{k}").input_value() for k in (0, 1)] == ["-1.5", "1.5"]
    page.locator("#up").select_option("3")
    after(page, lambda: page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2))
    assert [page.locator(f"#direction{k}").input_value() for k in (0, 1, 3)] == ["0", "1.5", "0"]


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 390), ("light", 320)])
def test_a_page_opens_from_disk_alone_and_fits_any_screen(shown, visit, scheme, width):
    seen = visit(shown, scheme, width)
    drawn(seen.page, 1)
    assert [url for url in seen.requests if not url.startswith("data:")] == [shown.as_uri()]
    assert seen.complaints == []
    assert "owned" not in seen.page.title().split(" - ")[-1]
    assert seen.page.title().startswith("</script>")
    assert seen.page.evaluate("document.documentElement.scrollWidth") == width
    for control in seen.page.locator("input, select, button").all():
        assert control.evaluate("(each) => each.labels?.length || each.ariaLabel || each.textContent")


@pytest.fixture(scope="module")
def real(tmp_path_factory) -> Path:
    """onnxruntime-web as a user gets it: what SPARRING_RUNTIME names, or by npm."""
    if named := os.environ.get("SPARRING_RUNTIME"):
        return Path(named)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        try:
            runtime.find()
        except UserError as error:
            if "digests differ" in str(error):
                raise
            pytest.skip(str(error))
        return runtime.user_cache() / f"{runtime.PACKAGE}-{runtime.VERSION}"


def near(pixels: np.ndarray, samples: np.ndarray) -> bool:
    return bool(np.abs(pixels[..., :3].astype(int) - samples).max() <= 2)


def test_a_browser_makes_the_runs_samples(real, visit, tmp_path):
    colours = np.random.default_rng(0).integers(0, 256, (24, 10, 6, 3), dtype=np.uint8)
    data, options = (colours, np.arange(24) % 2), {"batch": 4, "width": 4, "latent_dim": 6}
    run = sparring.train(data, recipe="projection", rounds=2, options=options, doctor="off", out=tmp_path / "run")
    written = write_page(sampler(run.path), "run", tmp_path / "explore.html", runtime=real)
    assert written.stat().st_size < 20_000_000
    seen = visit(written)
    page, first = seen.page, drawn(seen.page, 1)
    assert seen.complaints == []
    assert [url for url in seen.requests if not url.startswith("data:")] == [written.as_uri()]
    assert near(first, run.sample(16))
    assert near(after(page, page.get_by_label("64", exact=True).click), run.sample(64))
    after(page, lambda: page.get_by_label("Class").select_option("1"))
    assert near(after(page, slide(page, "truncation", 0.5)), run.sample(64, given={"y": 1}, truncation=0.5))


@pytest.mark.parametrize(
    ("noise", "rules"),
    [
        (Latent(3), ["normal"]),
        (Latent(3, "uniform"), ["scaled"]),
        (lambda n, rng, truncation: torch.rand(n, 3, generator=rng), ["fixed"]),
        (lambda n, rng, truncation: torch.rand(n, 3, generator=rng) ** (truncation or 1), ["fixed"]),
    ],
)
def test_truncated_noise_follows_from_what_is_kept_or_is_left_out(noise, rules):
    ready: Any = SimpleNamespace(game=SimpleNamespace(noise=noise))
    kept, truncated, found = pages._noise(ready, [(0, Part("z", 3, "normal"))])
    assert found == rules
    assert np.array_equal(kept[:4], noise_of(ready.game, range(4)).numpy())
    wanted = noise_of(ready.game, range(4), 0.7).numpy()
    if rules == ["normal"]:
        assert np.allclose(pages.truncated_normal(truncated[:4].astype(float), 0.7), wanted, atol=1e-5)
    elif rules == ["scaled"]:
        assert np.allclose(truncated[:4] * 0.7, wanted, atol=1e-6)


def archive(path: Path, script: bytes) -> None:
    with tarfile.open(path, "w:gz") as packed:
        for name, content in ((runtime.SCRIPT, script), (runtime.WASM, b"wasm"), (runtime.ABOUT, b'{"version": "9"}')):
            member = tarfile.TarInfo(f"package/{name}")
            member.size = len(content)
            packed.addfile(member, io.BytesIO(content))


@pytest.fixture
def npm(tmp_path, monkeypatch) -> Path:
    """An npm whose archive is `packed.tgz`."""
    tools = tmp_path / "tools"
    tools.mkdir()
    (tools / "npm").write_text(f"#!/bin/sh\ncp {tmp_path}/packed.tgz $5/ort.tgz\n")
    (tools / "npm").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tools}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.chdir(tmp_path)
    archive(tmp_path / "packed.tgz", b"const a=1;export{a as env};\n")
    return tmp_path / "packed.tgz"


def test_what_npm_fetches_is_checked_and_kept(npm, monkeypatch):
    with pytest.raises(UserError, match="its digests differ"):
        runtime.find()
    digests = {
        name: runtime.sha512(content).hexdigest()
        for name, content in runtime._of_archive(npm).items()
        if "dist" in name
    }
    monkeypatch.setattr(runtime, "DIGESTS", digests)
    told: list[str] = []
    found = runtime.find(tell=told.append)
    assert (found.version, found.wasm) == ("9", b"wasm")
    assert found.script == "const a=1;globalThis.ort={env:a};"
    npm.unlink()
    assert runtime.find(tell=told.append) == found
    assert len(told) == 1
    kept = runtime.user_cache() / f"{runtime.PACKAGE}-{runtime.VERSION}" / runtime.WASM
    kept.write_bytes(b"damaged")
    with pytest.raises(UserError, match="npm cannot fetch"):
        runtime.find()


def test_a_runtime_that_is_none_is_refused(tmp_path, monkeypatch):
    (tmp_path / "not.tgz").write_text("no archive")
    for named in (tmp_path, tmp_path / "not.tgz", tmp_path / "nowhere.tgz"):
        with pytest.raises(UserError, match="is not the npm package onnxruntime-web"):
            runtime.find(named)
    archive(tmp_path / "other.tgz", b"nothing is exported")
    with pytest.raises(UserError, match="cannot be written into a page"):
        runtime.find(tmp_path / "other.tgz")
    monkeypatch.setattr(runtime.shutil, "which", lambda name: None)
    with pytest.raises(UserError, match=r"no npm to fetch it .*registry\.npmjs\.org.*--runtime"):
        runtime.find()


def test_a_page_that_is_too_large_is_not_written(ready, shown, tmp_path, monkeypatch):
    monkeypatch.setattr(pages, "_model", lambda generator: b"model")
    monkeypatch.setattr(pages, "MOST", 10_000)
    with pytest.raises(UserError, match="sparring export"):
        write_page(ready, "run", tmp_path / "explore.html", runtime=shown.parent)
    assert not list(tmp_path.iterdir())


def test_what_a_page_knows_is_json_that_ends_no_script(shown):
    text = shown.read_text()
    known = text.split('id="known">')[1].split("</script>")[0]
    assert json.loads(known)["latent"] in (6, 18)
