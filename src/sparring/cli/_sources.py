"""A source as it is named on the command line: SOURCE, or two domains by --a and --b."""

from typing import Annotated

import typer

from sparring.errors import UserError

DomainA = Annotated[
    str | None, typer.Option("--a", help="Instead of SOURCE: a folder or zip of the pictures that are given.")
]
DomainB = Annotated[str | None, typer.Option("--b", help="And one of the pictures that are made of them.")]


def place_of(source: str | None, a: str | None, b: str | None) -> str | tuple[str, str] | None:
    """The one that was given; None for none.

    Raises:
        UserError: one of two domains, or a source beside them.
    """
    if a is None and b is None:
        return source
    if not a or not b:
        raise UserError(f"--{'b' if a else 'a'} is missing: two domains are named", "--a DIR --b DIR")
    if source is not None:
        raise UserError(f"{source} was given beside --a and --b", "give one or the other")
    return a, b
