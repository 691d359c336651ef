"""Pictures from files, translated by a run into files."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from sparring.data import Laid, laid_out, pictures_of, read_whole, with_alpha
from sparring.data.framing import Survey
from sparring.data.pictures import transparent
from sparring.data.reading import Unreadable, skipped
from sparring.errors import UserError
from sparring.grids import as_image, beside, save
from sparring.progress import Tell, untold_work
from sparring.workflows import Size, Translation, check_seeds


@dataclass(frozen=True)
class Wanted:
    """What is made of each picture: every style of every class.

    Args:
        seeds: of the styles; None for one picture each.
        classes: indices and names, where the game is given labels.
        beside: all of them in one picture, behind the one that was translated.
    """

    seeds: Sequence[int] | None = None
    classes: Sequence[tuple[int, str]] = ()
    beside: bool = False

    def variants(self) -> list[tuple[str, int, int | None]]:
        """The end of a file's name, seed and label of each."""
        seeds = [("", 0)] if self.seeds is None else [(f"-seed{seed:06d}", seed) for seed in self.seeds]
        labels = [(f"-{name.replace('/', '_')}", label) for label, name in self.classes] or [("", None)]
        labels = labels if len(labels) > 1 else [("", label) for _, label in labels]
        return [(kind + style, seed, label) for kind, label in labels for style, seed in seeds]


def translate_files(
    translation: Translation, source: Path, out: Path, wanted: Wanted = Wanted(), tell: Tell = untold_work
) -> tuple[str, ...]:
    """Translate a picture, or those of a folder or zip, into PNG files of the same names.

    Args:
        translation: the run.
        source: a file, a folder or a zip.
        out: a `.png` for one picture of one file, else a folder, new or empty.
        wanted: what is made of each.
        tell: called with what is done and how much of it, 0 to 1.

    Returns:
        Notes: what was passed over, and what was fitted.

    Raises:
        UserError: no picture, one too small, something wanted that this run cannot do, or an `out` that is not fit.
    """
    check_seeds(translation, wanted.seeds)
    if translation.labels is not None and not wanted.classes:
        raise UserError("this run translates into a class, and none was named", "--class NAME, or --class all")
    part, notes = pictures_of(source)
    _check_out(source, out, wanted)
    groups, fitted = _groups(translation, part)
    places = _places(part, out)
    broken: list[Unreadable] = []
    complete: list[str] = []
    done = 0
    for size, rows in groups:
        for first in range(0, len(rows), translation.at_once(size)):
            some = rows[first : first + translation.at_once(size)]
            found = read_whole(part, some)
            broken += [each for each in found if isinstance(each, Unreadable)]
            good = [(row, each) for row, each in zip(some, found, strict=True) if isinstance(each, Image.Image)]
            if translation.source.masked:
                complete += [part.entries[row].name for row, image in good if not transparent(image)]
            for row, files in _translated(translation, good, size, wanted):
                for ending, picture in files.items():
                    save(as_image(picture), places[row].with_name(f"{places[row].stem}{ending}.png"))
            done += len(some)
            tell("translating", done / len(part.entries))
    if broken and len(broken) == len(part.entries):
        raise UserError(f"{broken[0].name} cannot be decoded: {broken[0].reason}", "copy it again")
    if complete:
        notes += (f"nothing to complete: {_several(complete)} without transparent pixels",)
    return notes + fitted + skipped(broken)


def _several(names: Sequence[str]) -> str:
    return f"{names[0]} is" if len(names) == 1 else f"{len(names):,} pictures, such as {names[0]}, are"


def _translated(
    translation: Translation, good: Sequence[tuple[int, Image.Image]], size: Size, wanted: Wanted
) -> Iterator[tuple[int, dict[str, np.ndarray]]]:
    """For each picture its row and what becomes of it, by the end of the file's name."""
    if not good:
        return
    laid = [laid_out(image, translation.source, size) for _, image in good]
    rows = torch.from_numpy(np.stack([each.picture for each in laid]))
    made = {
        ending: translation(rows, [seed] * len(rows), None if label is None else torch.full((len(rows),), label))
        for ending, seed, label in wanted.variants()
    }
    for k, (row, image) in enumerate(good):
        files = {ending: _finished(translation, each[k], laid[k]) for ending, each in made.items()}
        yield row, {"": beside(*_columns(image, files))[0]} if wanted.beside else files


def _finished(translation: Translation, made: Tensor, laid: Laid) -> np.ndarray:
    return with_alpha(translation.target.to_array(made[None])[0], laid.alpha)


def _columns(image: Image.Image, files: dict[str, np.ndarray]) -> list[np.ndarray]:
    own = np.asarray(image)
    return [own.reshape(1, *own.shape[:2], -1), *(picture[None] for picture in files.values())]


def _groups(translation: Translation, part: Survey) -> tuple[list[tuple[Size, list[int]]], tuple[str, ...]]:
    """The rows of the pictures that are translated at each size, and notes on those of other sizes than the run's."""
    own: Size = (translation.source.shape[1], translation.source.shape[2])
    rows: dict[Size, list[int]] = defaultdict(list)
    fitted: list[str] = []
    others: list[str] = []
    for row, (entry, header) in enumerate(zip(part.entries, part.headers, strict=True)):
        size = header.height, header.width
        try:
            takes = size == own or translation.room(size) is not None
        except UserError as error:
            raise UserError(f"{entry.name} of {part.listing.source}: {error.problem}", error.hint) from None
        rows[size if takes else own].append(row)
        if size != own:
            (others if takes else fitted).append(f"{entry.name} ({size[0]}x{size[1]})")
    trained = f"{own[0]}x{own[1]}"
    why = "" if translation.fit else ": this run takes no other size"
    notes = [f"{_several(fitted)} cropped and resized to {trained}{why}"] if fitted else []
    if others:
        notes.append(f"{_several(others)} not resized: the run has learnt {trained}, and --fit brings pictures to it")
    return list(rows.items()), tuple(notes)


def _places(part: Survey, out: Path) -> list[Path]:
    """Where each picture's translation goes; two files that differ by their ending only keep them."""
    if out.suffix:
        return [out]
    # a zip may name files outside of the folder that it is unpacked to
    names = [PurePosixPath(*(p for p in PurePosixPath(e.name).parts if p not in ("..", "/"))) for e in part.entries]
    bare = [name.with_suffix("") for name in names]
    several = {name for name in bare if bare.count(name) > 1} if len(set(bare)) < len(bare) else set()
    chosen = (name if own in several else own for name, own in zip(names, bare, strict=True))
    return [out / f"{name}.png" for name in chosen]


def _check_out(source: Path, out: Path, wanted: Wanted) -> None:
    """Refuse an `out` that cannot take what is made, or that lies among the pictures.

    Raises:
        UserError: that.
    """
    here, there = source.resolve(), out.resolve()
    if out.suffix.lower() not in ("", ".png"):
        raise UserError(f"--out {out}: cannot write pictures as {out.suffix}", "a folder, or a .png of one picture")
    if there == here or here in there.parents:
        raise UserError(f"--out {out} lies among the pictures that are translated", "choose another place")
    if out.suffix and (source.is_dir() or source.suffix.lower() == ".zip"):
        raise UserError(f"--out {out} is one file, and {source} holds several pictures", "name a folder")
    if out.suffix and len(wanted.variants()) > 1 and not wanted.beside:
        count = len(wanted.variants())
        raise UserError(f"--out {out} is one file, and {count} translations are made", "name a folder, or --beside")
    if out.suffix and out.is_dir():
        raise UserError(f"--out {out} is a folder", "a name in .png, or a folder without an ending")
    if not out.suffix and out.is_file():
        raise UserError(f"--out {out} is a file", "name a folder")
    if not out.suffix and out.is_dir() and any(out.iterdir()):
        raise UserError(f"--out {out} is a folder that is not empty", "name a new one")
