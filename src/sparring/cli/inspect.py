"""`sparring inspect`: what is in a source, before any training."""

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from sparring.data import Inspection

SHOWN = 8


def inspect(
    source: Annotated[str, typer.Argument(help="As for `sparring train`.")],
    no_cache: Annotated[
        bool, typer.Option("--no-cache", help="Look anew, and keep nothing in the user's cache folder.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="For machines.")] = False,
) -> None:
    """Report what SOURCE holds: count, sizes, channels, labels, corrupt files, exact duplicates, what is not read."""
    import sparring.data
    from sparring.cli._display import Preparing

    with Preparing() as progress:
        found = sparring.data.inspect(source, cache=not no_cache, progress=progress)
    typer.echo(json.dumps(found.to_dict(), indent=1) if as_json else describe(found))


def describe(found: "Inspection") -> str:
    """An inspection as text, one line a finding."""
    lines = [f"examples    {found.count:,} ({found.kind})"]
    size, kind = ("dimensions", "numbers") if found.kind == "points" else ("sizes", "pixels")
    for title, counts in ((size, found.sizes), (kind, found.modes), ("labels", found.labels)):
        lines.append(f"{title:<12}{_most_common(counts)}")
    if found.values is not None:
        lines.append(f"values      {found.values[0]:g} to {found.values[1]:g}")
    lines.append(f"corrupt     {len(found.corrupt)}")
    lines += [f"            {name}: {reason}" for name, reason in found.corrupt[:SHOWN]]
    if found.ignored:
        lines.append(f"no picture  {_most_common(found.ignored)}")
    lines.append(f"duplicates  {found.duplicates}")
    lines += [f"            {' = '.join(group)}" for group in found.duplicate_groups[:SHOWN]]
    lines += [f"note        {note}" for note in found.notes]
    return "\n".join(lines)


def _most_common(counts: Mapping[str, int]) -> str:
    if not counts:
        return "none"
    ranked = sorted(counts.items(), key=lambda item: -item[1])
    rest = f", and {len(ranked) - SHOWN} more" if len(ranked) > SHOWN else ""
    return ", ".join(f"{name} ({count:,})" for name, count in ranked[:SHOWN]) + rest
