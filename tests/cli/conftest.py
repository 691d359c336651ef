"""The command, called in this process, where its exit code and both of its streams can be looked at."""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from sparring.cli import main


@dataclass(frozen=True)
class Said:
    """How a command ended, and what it wrote to each stream."""

    code: int
    out: str
    err: str


Command = Callable[..., Said]


def contents(folder: Path) -> dict[str, bytes | None]:
    """Every file with its bytes, and every folder."""
    return {str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None for path in folder.rglob("*")}


@pytest.fixture
def sparring(tmp_path, monkeypatch, capsys) -> Command:
    """`sparring("train", "points.npy")` runs in an empty folder; an exception that escapes is a failure."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    for name in ("NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE"):
        monkeypatch.delenv(name, raising=False)

    def command(*words: object) -> Said:
        monkeypatch.setattr(sys, "argv", ["sparring", *map(str, words)])
        capsys.readouterr()
        code = 0
        try:
            main()
        except SystemExit as ended:
            code = ended.code or 0
        return Said(code, *capsys.readouterr())

    return command


@pytest.fixture
def refused(sparring, tmp_path) -> Command:
    """As `sparring`, for a user's mistake: one line on stderr with a hint, exit code 2, nothing else, nowhere."""

    def command(*words: object, says: str) -> Said:
        before = contents(tmp_path)
        said = sparring(*words)
        assert said.code == 2, said
        assert said.out == ""
        assert said.err.startswith("error: "), said.err
        assert said.err.endswith(")\n") or ": input should " in said.err, f"no hint: {said.err}"
        assert said.err.count("\n") == 1, said.err
        assert says in said.err
        assert contents(tmp_path) == before
        return said

    return command


@pytest.fixture
def points(tmp_path) -> str:
    np.save(tmp_path / "points.npy", np.random.default_rng(0).normal(size=(60, 2)).astype(np.float32))
    return "points.npy"


@pytest.fixture
def pictures(tmp_path) -> str:
    np.save(tmp_path / "pictures.npy", np.random.default_rng(0).integers(0, 256, (24, 8, 8), dtype=np.uint8))
    return "pictures.npy"


@pytest.fixture
def small() -> list[str]:
    """The options of a run that takes no time."""
    return ["--batch", "4", "--set", "width=4", "--set", "latent_dim=4", "--doctor", "off"]


@pytest.fixture
def trained(sparring, points, small) -> str:
    """A run of two rounds."""
    assert sparring("train", points, *small, "--rounds", 2, "--recipe", "gan", "--out", "run").code == 0
    return "run"
