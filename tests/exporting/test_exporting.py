import json
import re
from pathlib import Path

import numpy as np
import pytest
import torch

import sparring
from sparring.errors import UserError
from sparring.exporting import onnx as onnx_file


@pytest.fixture(scope="module", params=["default", "cgan", "infogan"])
def run(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> sparring.Run:
    raw = np.random.default_rng(0).integers(0, 256, (24, 8, 8, 1), dtype=np.uint8)
    path = tmp_path_factory.mktemp("runs") / request.param
    options = {"batch": 4, "width": 4, "latent_dim": 4}
    labels = np.array(["cat", "dog"])[np.arange(24) % 2]
    return sparring.train((raw, labels), recipe=request.param, rounds=2, options=options, doctor="off", out=path)


def made(generator, n: int) -> tuple[dict[str, torch.Tensor], torch.Tensor]:
    inputs = {"z": torch.randn(n, generator.latent_dim)}
    if generator.classes:
        inputs["y"] = torch.arange(n) % 2
    return inputs, generator(**inputs)


def test_onnx_computes_what_pytorch_does_at_any_batch(run, tmp_path):
    runtime = pytest.importorskip("onnxruntime")
    pytest.importorskip("onnxscript")
    sparring.export(run.path, tmp_path / "model.onnx")
    assert [path.name for path in tmp_path.iterdir()] == ["model.onnx"]
    assert str(Path(sparring.__file__).parent).encode() not in (tmp_path / "model.onnx").read_bytes()
    session = runtime.InferenceSession(str(tmp_path / "model.onnx"), providers=["CPUExecutionProvider"])
    for n in (1, 5, 33):
        inputs, expected = made(run.generator(), n)
        (found,) = session.run(["x"], {name: each.numpy() for name, each in inputs.items()})
        assert np.abs(found - expected.numpy()).max() < 1e-4


def test_a_file_that_computes_something_else_is_not_kept(run, tmp_path, monkeypatch):
    pytest.importorskip("onnxruntime")
    pytest.importorskip("onnxscript")
    converted = onnx_file._convert

    def another(generator, out):
        converted(generator, out)
        with torch.no_grad():
            for p in generator.parameters():
                p.add_(0.3)

    monkeypatch.setattr(onnx_file, "_convert", another)
    with pytest.raises(UserError, match="onnxruntime and PyTorch differ"):
        sparring.export(run.path, tmp_path / "model.onnx")
    assert not list(tmp_path.iterdir())


def test_a_missing_package_is_told_before_anything_is_done(run, tmp_path, monkeypatch):
    monkeypatch.setattr(onnx_file, "find_spec", lambda name: None)
    with pytest.raises(UserError, match=r"missing: onnx, onnxscript, onnxruntime .*sparring\[export\]"):
        sparring.export(run.path, tmp_path / "model.onnx")


def test_a_folder_reads_back_as_the_same_generator(run, tmp_path):
    sparring.export(run.path, tmp_path / "model")
    assert sorted(path.name for path in (tmp_path / "model").iterdir()) == [
        "README.md",
        "config.json",
        "model.safetensors",
    ]
    inputs, expected = made(run.generator(), 5)
    assert torch.equal(sparring.load_generator(tmp_path / "model")(**inputs), expected)


def test_the_cards_code_runs_and_makes_the_runs_samples(run, tmp_path, monkeypatch):
    sparring.export(run.path, tmp_path / "my 'model'")
    monkeypatch.chdir(tmp_path)
    card = (tmp_path / "my 'model'" / "README.md").read_text()
    (code,) = re.findall(r"```python\n(.*?)```", card, re.DOTALL)
    assert len([line for line in code.splitlines() if line]) <= 5
    names: dict[str, object] = {}
    exec(code, names)
    given = {"y": 0} if run.generator().classes else None
    assert np.abs(np.asarray(names["samples"], int) - run.sample(16, given=given)).max() <= 1


def test_the_card_says_what_is_known_and_no_path_of_this_machine(run, tmp_path):
    sparring.export(run.path, tmp_path / "bare")
    bare = (tmp_path / "bare" / "README.md").read_text()
    assert "None was made" in bare
    assert "not examined" in bare
    evaluation = {
        "round": 2,
        "rows": [{"name": "FID", "value": 12.5, "spread": 1.0, "floor": 0.5, "n": 20, "better": "lower"}],
    }
    record = {"kind": "health", "round": 2, "verdict": "mode-collapse", "evidence": "few are left", "advice": ""}
    run.directory.append(evaluation, run.directory.metrics)
    run.directory.append(record)
    try:
        sparring.export(run.path, tmp_path / "told")
    finally:
        run.directory.metrics.unlink()
        lines = run.directory.log.read_text().splitlines(keepends=True)
        run.directory.log.write_text("".join(lines[:-1]))
    card = (tmp_path / "told" / "README.md").read_text()
    assert "| FID | 12.5 | 1 | 0.5 | 20 | lower |" in card
    assert "**mode-collapse**. Few are left." in card
    config = json.loads((tmp_path / "told" / "config.json").read_text())
    assert config["data"] in card
    for text in (card, json.dumps(config)):
        assert str(run.path.parent) not in text


def test_a_folder_that_is_none_is_refused(tmp_path):
    with pytest.raises(UserError, match="holds no generator"):
        sparring.load_generator(tmp_path)
    (tmp_path / "config.json").write_text("[]")
    with pytest.raises(UserError, match="holds no generator"):
        sparring.load_generator(tmp_path)


def test_nothing_is_left_of_a_folder_that_could_not_be_written(run, tmp_path, monkeypatch):
    def full(*words, **more):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("sparring.exporting.hub.save_file", full)
    with pytest.raises(UserError, match="no space left"):
        sparring.export(run.path, tmp_path / "model")
    assert not list(Path(tmp_path).iterdir())
