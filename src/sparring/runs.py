"""The run directory: where everything lies, and the log.

config.toml            all that is needed to rebuild the game
log.jsonl              one record a line: round, images, seconds, and every term, or the doctor's signals and verdict
metrics.jsonl          one evaluation a line: round, every metric beside its floor, provenance
samples/000123.png     sheets of samples from fixed noise, at most a hundred; .safetensors beside it: a few as stored
doctor.safetensors     what the doctor needs to go on with a resumed run as if it had not stopped
given.safetensors      what samples are made from, where it is more than noise: held-out labels or pictures
lock                   there while a process writes the run
checkpoints/000123/    networks.safetensors  state.safetensors  state.json     (the newest k)
checkpoints/best/      the same, of the round whose samples were nearest to the data; best.json says how near
report.html            what `sparring report` wrote
"""

import json
import math
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sparring.errors import UserError

MOST_SHEETS = 100
"""Sheets of samples that a run keeps."""


@dataclass(frozen=True)
class RunDir:
    """The paths of a run; nothing is created before it is written."""

    path: Path

    @property
    def config(self) -> Path:
        """`config.toml`."""
        return self.path / "config.toml"

    @property
    def log(self) -> Path:
        """`log.jsonl`."""
        return self.path / "log.jsonl"

    @property
    def metrics(self) -> Path:
        """`metrics.jsonl`."""
        return self.path / "metrics.jsonl"

    @property
    def given(self) -> Path:
        """`given.safetensors`."""
        return self.path / "given.safetensors"

    @property
    def memory(self) -> Path:
        """`doctor.safetensors`."""
        return self.path / "doctor.safetensors"

    @property
    def samples(self) -> Path:
        """The folder of sample grids."""
        return self.path / "samples"

    @property
    def checkpoints(self) -> Path:
        """The folder of checkpoints."""
        return self.path / "checkpoints"

    @classmethod
    def existing(cls, path: str | Path) -> "RunDir":
        """The run at that path.

        Raises:
            UserError: there is none.
        """
        run = cls(Path(path))
        if not run.config.is_file():
            raise UserError(f"{path} is not a run: it has no config.toml", "sparring train writes runs under runs/")
        return run

    def sample(self, round: int, ending: str) -> Path:
        """The sample grid of that round."""
        return self.samples / f"{round:06d}{ending}"

    def checkpoint(self, round: int) -> Path:
        """The checkpoint of that round."""
        return self.checkpoints / f"{round:06d}"

    def finished_checkpoints(self) -> list[Path]:
        """All whole checkpoints, oldest first."""
        if not self.checkpoints.is_dir():
            return []
        found = [path for path in self.checkpoints.iterdir() if path.name.isdecimal() and path.is_dir()]
        return sorted(found, key=lambda path: int(path.name))

    def latest(self) -> Path:
        """The newest checkpoint.

        Raises:
            UserError: there is none yet.
        """
        finished = self.finished_checkpoints()
        if not finished:
            raise UserError(f"{self.path} has no checkpoint yet", "train it for longer, or start it anew")
        return finished[-1]

    @property
    def best(self) -> Path:
        """The checkpoint whose samples were nearest to the data; it may not be there."""
        return self.checkpoints / "best"

    def which(self, name: str) -> Path:
        """A checkpoint by its name: "latest", "best", or a round.

        Raises:
            UserError: it is not there.
        """
        if name == "latest":
            return self.latest()
        there = [*self.finished_checkpoints(), *([self.best] if self.best.is_dir() else [])]
        for path in there:
            if path.name == name or (name.isdecimal() and path.name.isdecimal() and int(path.name) == int(name)):
                return path
        names = ", ".join(["latest", *(path.name for path in there)])
        raise UserError(f"{self.path} has no checkpoint {name}", f"there are {names}" if there else "train it longer")

    def note_best(self, round: int, distance: float) -> None:
        """Write down how near to the data the best checkpoint is."""
        path = self.checkpoints / "best.json"
        temporary = path.with_suffix(".part")
        temporary.write_text(json.dumps({"round": round, "distance": distance}) + "\n", encoding="utf-8")
        temporary.replace(path)

    def noted_best(self) -> tuple[int, float]:
        """Round of the best checkpoint, and how near to the data it is; infinitely far where there is none."""
        try:
            found = json.loads((self.checkpoints / "best.json").read_text(encoding="utf-8"))
            return int(found["round"]), float(found["distance"])
        except (OSError, ValueError, KeyError, TypeError):
            return 0, math.inf

    def round_of(self, checkpoint: Path) -> int:
        """The round of a checkpoint."""
        return self.noted_best()[0] if checkpoint == self.best else int(checkpoint.name)

    def tidy(self) -> None:
        """Remove what a killed process left half-written; a checkpoint that it had moved aside is put back."""
        for path in self.checkpoints.glob(".*") if self.checkpoints.is_dir() else ():
            whole = path.with_name(path.stem.removeprefix("."))
            if path.suffix == ".old" and not whole.exists():
                path.rename(whole)
            elif path.suffix in (".old", ".part"):
                shutil.rmtree(path, ignore_errors=True)

    def prune(self, keep: int) -> None:
        """Remove all but the newest `keep` checkpoints."""
        for path in self.finished_checkpoints()[:-keep]:
            shutil.rmtree(path, ignore_errors=True)

    def thin_samples(self, round: int) -> None:
        """Keep at most `MOST_SHEETS` sheets of samples, spread over the run: the first, the newest and that round's.

        The run is cut into parts of equally many rounds, and the first sheet of each part stays. A part is a power of
        two, so what is removed now would not have stayed later either: a resumed run keeps the same sheets.

        Args:
            round: of the sheet that was just drawn.
        """
        files = self.samples.glob("*") if self.samples.is_dir() else ()
        sheets = sorted((int(path.stem), path) for path in files if path.stem.isdecimal())
        newest = max((number for number, _ in sheets), default=0)
        part = 1
        while newest // part >= MOST_SHEETS - 2:
            part *= 2
        kept = set({number // part: number for number, _ in reversed(sheets)}.values()) | {newest, round}
        for number, path in sheets:
            if number not in kept:
                path.unlink(missing_ok=True)

    def forget(self, round: int) -> None:
        """Remove the checkpoints after that round."""
        for path in self.finished_checkpoints():
            if int(path.name) > round:
                shutil.rmtree(path, ignore_errors=True)

    def append(self, record: dict[str, Any], to: Path | None = None) -> None:
        """Add a record to the log, or to another file of lines."""
        with (to or self.log).open("a", encoding="utf-8") as file:
            file.write(json.dumps(record) + "\n")

    def records(self, of: Path | None = None) -> list[dict[str, Any]]:
        """The records of the log, or of another file; a line that a crash cut short is left out."""
        path = of or self.log
        if not path.is_file():
            return []
        records = []
        for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
            try:
                records.append(json.loads(line))
            except ValueError:
                continue
        return records

    def rewind(self, round: int) -> None:
        """Forget the records and the grids behind that round, which will be played again."""
        for path in (self.log, self.metrics):
            if path.is_file():
                kept = [record for record in self.records(path) if record["round"] <= round]
                temporary = path.with_suffix(".part")
                temporary.write_text("".join(json.dumps(record) + "\n" for record in kept), encoding="utf-8")
                temporary.replace(path)
        for path in self.samples.glob("*") if self.samples.is_dir() else ():
            if path.stem.isdecimal() and int(path.stem) > round:
                path.unlink()


def next_free(parent: Path, name: str) -> Path:
    """`parent/name-1`, or the first higher number that is not there yet."""
    number = 1
    while (parent / f"{name}-{number}").exists():
        number += 1
    return parent / f"{name}-{number}"
