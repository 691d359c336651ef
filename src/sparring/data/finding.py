"""From what the user typed to the parts of a source that are read."""

from pathlib import Path

from sparring.data.arrays import ArraySource
from sparring.data.layout import DOMAINS, Layout, arrange
from sparring.data.sources import Source, is_two_paths, locate
from sparring.errors import UserError


def lay_out(source: Source, raw: bool = False) -> Layout | ArraySource:
    """Find a source, and find out what its folders stand for; see `locate` and `arrange`.

    Raises:
        UserError: see `locate` and `arrange`; or two sources that are not two folders or zips of one kind each.
    """
    if not is_two_paths(source):
        found = locate(source, raw)
        return found if isinstance(found, ArraySource) else arrange(found)
    one, other = (_domain(path, raw) for path in source)
    return Layout((one.parts[0], other.parts[0]), notes=(*one.notes, *other.notes), names=tuple(map(str, source)))


def _domain(path: str | Path, raw: bool) -> Layout:
    if not Path(path).expanduser().exists():
        raise UserError(f"{path} does not exist", "a folder or zip of pictures")
    found = locate(path, raw)
    if isinstance(found, ArraySource):
        raise UserError(
            f"{path} is no folder or zip of pictures", "from Python: sparring.data.Unpaired of two opened arrays"
        )
    layout = arrange(found)
    if len(layout.parts) == 2:
        raise UserError(f"{path} holds two domains itself", f"give it alone, or its {DOMAINS[0]} and {DOMAINS[1]}")
    return layout
