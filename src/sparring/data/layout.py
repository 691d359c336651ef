"""What the folders of a source stand for: two domains, the parts of a split data set, shards, or classes."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import Any

from sparring.data.entries import Entry, Listing, common_folder
from sparring.data.pictures import endings
from sparring.errors import UserError
from sparring.readable import printable

DOMAINS = ("trainA", "trainB")
"""Folders that make a source a pair of domains."""

JUDGES = (("testA", "testB"), ("valA", "valB"))
"""Folders of what is held out of the two; the first two that are there."""

TRAIN = ("train", "training")
OTHERS = ("val", "valid", "validation", "dev", "eval", "test", "testing")
"""Folders that are parts of one data set, and not classes; in any case of letters."""


@dataclass(frozen=True)
class Layout:
    """The parts of a source that are read.

    Args:
        parts: one, or two domains.
        judges: what is held out of two domains, where the source says so.
        notes: what is not read, and why.
        names: of two domains, and of what is held out of them.
    """

    parts: tuple[Listing, ...]
    judges: tuple[Listing, ...] = ()
    notes: tuple[str, ...] = ()
    names: tuple[str, ...] = ()


def arrange(listing: Listing) -> Layout:
    """Find out what the folders of a source stand for; one that wraps all pictures stands for nothing.

    `trainA` and `trainB` are two domains, of which `testA` and `testB` are held out. Where there is a `dataset.json` as
    StyleGAN's tools write it, that gives the labels, and folders are shards. Of `train`, `val`, `test` and the like
    only `train` is read. Otherwise there is one part, whose folders may be classes: see `picture_labels`.

    Raises:
        UserError: one of two domains has no pictures.
    """
    pictures = [entry.name for entry in listing.entries if PurePosixPath(entry.name).suffix.lower() in endings()]
    top = common_folder(pictures)
    folders = Counter(first_folder(name, top) for name in pictures)
    if all(domain in folders for domain in DOMAINS):
        return _domains(listing, top, folders)
    found = [domain for domain in DOMAINS if domain in folders]
    if found:
        problem = f"{listing.source} has pictures in {found[0]}, and none in {DOMAINS[found[0] == DOMAINS[0]]}"
        raise UserError(problem, f"put some there, or name {top}{found[0]} to train on it alone")
    listing = _indexed(listing, top)
    if not listing.labelled_by:
        listing = _training_part(listing, top, folders)
    return Layout((listing,), notes=listing.notes)


def first_folder(name: str, top: str) -> str:
    """The folder below `top` that a file lies in; "" where it lies in none.

    Examples:
        >>> first_folder("set/cat/deep/1.png", "set/"), first_folder("set/1.png", "set/")
        ('cat', '')
    """
    return name.removeprefix(top).rpartition("/")[0].partition("/")[0]


def _domains(listing: Listing, top: str, folders: Mapping[str, int]) -> Layout:
    judges = next((names for names in JUDGES if all(name in folders for name in names)), ())
    parts = [_within(listing, f"{top}{name}/") for name in (*DOMAINS, *judges)]
    passed_over = len(listing.entries) - sum(len(part.entries) for part in parts)
    notes = (f"{' and '.join(judges)} are held out",) if judges else ()
    if passed_over:
        notes += (f"only {' and '.join((*DOMAINS, *judges))} are read, and not {passed_over:,} other files",)
    return Layout(tuple(parts[:2]), tuple(parts[2:]), listing.notes + notes, (*DOMAINS, *judges))


def _training_part(listing: Listing, top: str, folders: Counter[str]) -> Listing:
    """What lies in the one folder for training, where others for validation or tests lie beside it."""
    train = [folder for folder in folders if folder.lower() in TRAIN]
    if len(train) != 1 or not any(folder.lower() in OTHERS for folder in folders):
        return listing
    rest = sorted((folder or "no folder", count) for folder, count in folders.items() if folder != train[0])
    unread = ", ".join(f"{folder} ({count:,})" for folder, count in rest)
    note = f"pictures are read from {train[0]} ({folders[train[0]]:,}), some of them held out, and not from {unread}"
    return replace(_within(listing, f"{top}{train[0]}/"), notes=(*listing.notes, note))


def _within(listing: Listing, folder: str) -> Listing:
    inside = tuple(entry for entry in listing.entries if entry.name.startswith(folder))
    return replace(listing, source=f"{listing.source}/{folder.rstrip('/')}", entries=inside)


def _indexed(listing: Listing, top: str) -> Listing:
    """The listing with the labels of its `dataset.json`, where there is one in `top` or above."""
    by_name = {entry.name: entry for entry in listing.entries}
    for folder in _upwards(top):
        index = by_name.get(f"{folder}dataset.json")
        given = None if index is None else _read_index(index)
        if given is not None:
            labels = {folder + printable(name.replace("\\", "/")): label for name, label in given.items()}
            entries = [replace(entry, label=labels.get(entry.name)) for entry in listing.entries if entry is not index]
            return replace(listing, entries=tuple(entries), labelled_by="dataset.json")
    return listing


def _upwards(folder: str) -> Iterator[str]:
    """The folder and all above it: "a/b/", "a/", ""."""
    yield folder
    while folder:
        folder = folder.rstrip("/").rpartition("/")[0]
        folder = f"{folder}/" if folder else ""
        yield folder


def _read_index(index: Entry) -> dict[str, Any] | None:
    """File names and labels, none where the file says that there are none; None if it is not what StyleGAN reads."""
    try:
        with index.open() as stream:
            given = json.load(stream)["labels"]
        given = dict(given or {})
    except Exception:  # any JSON may be called so, and a broken archive raises anything
        return None
    return given if all(isinstance(name, str) for name in given) else None
