"""`sparring doctor`: what the doctor said of a run, and says of it in the end."""

import json
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sparring.errors import UserError

if TYPE_CHECKING:
    from rich.table import Table


MAX_CLASSES = 20
"""Classes in a line, the worst ones where there are more."""


def doctor(
    run: Annotated[Path, typer.Argument(help="A run directory.")],
    as_json: Annotated[bool, typer.Option("--json", help="For machines.")] = False,
) -> None:
    """Print the history of verdicts on RUN, and the final diagnosis with its evidence and advice."""
    from sparring.runs import RunDir

    records = [record for record in RunDir.existing(run).records() if record["kind"] == "health"]
    if not records:
        raise UserError(f"{run} was never examined", "train it for longer, or with --doctor 50: every 50 rounds")
    spells = _spells(records)
    if as_json:
        typer.echo(json.dumps({"run": str(run), "final": records[-1], "history": spells}, indent=1))
        return
    from rich.console import Console

    from sparring.cli._display import verdict_text

    console = Console(soft_wrap=True, highlight=False, emoji=False)
    console.print(_table(spells))
    last = records[-1]
    console.print(f"after round {last['round']:,}: ", verdict_text(last), sep="")
    signals = last.get("signals", {})
    if signals.get("agreement"):
        console.print(_agreement_line(run, signals["agreement"], signals.get("agreement_reals")))
    if "augmentation" in signals:
        console.print(f"ada changes what D is shown with a probability of {signals['augmentation']:.2f}")
    if last.get("spent") and last["seconds"]:
        share = last["spent"] / last["seconds"]
        console.print(f"{len(records)} examinations took {last['spent']:.1f} s, {share:.1%} of the time")


def _agreement_line(run: Path, shares: list[float | None], reals: float | None) -> str:
    from sparring.kinds import classes_of, from_tables
    from sparring.workflows import existing

    names = classes_of(from_tables(existing(run)[1].columns))
    known = [(share, name) for share, name in zip(shares, names, strict=False) if share is not None]
    worst = {name for _, name in sorted(known)[:MAX_CLASSES]}
    each = ", ".join(f"{name} {share:.0%}" for share, name in known if name in worst)
    beside = "" if reals is None else f"; held-out reals as their own {reals:.0%}"
    return f"read as the class asked for, by a linear classifier: {each}{beside}"


def _spells(records: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Verdicts that follow one another, each once: from which round to which, with the last evidence."""
    groups = [list(group) for _, group in groupby(records, lambda record: record["verdict"])]
    return [
        {"from": group[0]["round"], "to": group[-1]["round"], "examinations": len(group)}
        | {name: group[-1][name] for name in ("verdict", "evidence", "advice")}
        for group in groups
    ]


def _table(spells: list[dict[str, Any]]) -> "Table":
    from rich.table import Table
    from rich.text import Text

    from sparring.cli._display import color_of

    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("rounds", "verdict", "evidence"):
        table.add_column(name, justify="left")
    for spell in spells:
        rounds = f"{spell['from']:,} to {spell['to']:,}" if spell["to"] > spell["from"] else f"{spell['from']:,}"
        verdict = Text(spell["verdict"], style=color_of(spell["verdict"]))
        table.add_row(rounds, verdict, Text(spell["evidence"]))
    return table
