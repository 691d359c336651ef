from pathlib import Path

import pytest

from sparring.exporting import onnx as onnx_file


def test_the_folder_is_the_only_line_on_stdout(sparring, trained):
    said = sparring("export", trained, "--out", "deep/model")
    assert (said.code, said.out, said.err) == (0, "deep/model\n", "")
    assert "unconditional-image" not in Path("deep/model/README.md").read_text()


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["nowhere", "--out", "model"], "nowhere is not a run"),
        (["run"], "--out"),
        (["run", "--out", "points.npy"], "points.npy exists"),
        (["run", "--out", "run"], "run exists"),
        (["run", "--out", "model.pt"], "cannot export as .pt"),
        (["run", "--out", "model", "--checkpoint", "99"], "no checkpoint 99"),
        (["run", "--out", "points.npy/model"], "points.npy"),
    ],
    ids=str,
)
def test_bad_words_are_refused(refused, trained, words, says):
    refused("export", *words, says=says)


def test_a_missing_package_is_named(refused, trained, monkeypatch):
    monkeypatch.setattr(onnx_file, "find_spec", lambda name: None)
    refused("export", trained, "--out", "model.onnx", says="pip install 'sparring[export]'")
