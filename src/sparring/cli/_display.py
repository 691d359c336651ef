"""The live display of a training run; plain lines where stderr is not a terminal."""

import time
from typing import TYPE_CHECKING, Any

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn
from rich.text import Text

from sparring.readable import duration
from sparring.severity import severity_of

if TYPE_CHECKING:
    from sparring.scoring import Evaluation
    from sparring.workflows import Status


def terms_line(terms: dict[str, float]) -> str:
    """Every term, players apart.

    Examples:
        >>> terms_line({"discriminator/real": 0.5, "discriminator/fake": 0.25, "generator/fake": 1.0})
        'discriminator real 0.5, fake 0.25 | generator fake 1'
    """
    players: dict[str, list[str]] = {}
    for name, value in terms.items():
        player, term = name.split("/", 1)
        players.setdefault(player, []).append(f"{term} {value:.4g}")
    return " | ".join(f"{player} {', '.join(values)}" for player, values in players.items())


def scores_line(evaluation: "Evaluation") -> str:
    """The distance to the data and the judge's accuracy, each beside what reals get; and how near partners are."""
    rows = (evaluation.distance(), evaluation["judge"])
    said = [f"{row.name} {row.value:.3g} (reals {row.floor:.3g})" for row in rows]
    for each in (evaluation.partners or ())[:1]:
        given = "" if each.identity is None else f" (as given {each.identity:.3g})"
        said.append(f"partners' {each.name} {each.value:.3g}{given}")
    return ", ".join(said)


STYLES = {"quiet": "dim", "going": "cyan", "good": "bold green", "warning": "bold yellow", "bad": "bold red"}
"""By severity."""


def color_of(verdict: str) -> str:
    """The style that a verdict is printed in."""
    return STYLES[severity_of(verdict)]


def verdict_text(record: dict[str, Any]) -> Text:
    """A verdict in its colour, its evidence, and what to do; from a record of the log."""
    verdict, advice = record["verdict"], record["advice"]
    return Text.assemble((verdict, color_of(verdict)), f": {record['evidence']}", f"; {advice}" if advice else "")


def time_left(status: "Status") -> str:
    """How long the rest of the budget takes at the pace so far."""
    if not 0 < status.fraction < 1:
        return ""
    return duration(status.seconds / status.fraction * (1 - status.fraction))


QUICK = 0.5
"""Seconds of preparation that are not spoken of."""


def _bar(console: Console, transient: bool = False) -> Progress:
    columns = BarColumn(bar_width=32), TaskProgressColumn(), TimeElapsedColumn()
    said = TextColumn("{task.description}", markup=False)
    return Progress(*columns, said, console=console, refresh_per_second=4, transient=transient)


class Preparing:
    """Shows how far the data is prepared, if that takes long; used as a context manager, and called with progress."""

    def __init__(self) -> None:
        self._console = Console(stderr=True, highlight=False, emoji=False)
        self._bar = _bar(self._console, transient=True)
        self._task = self._bar.add_task("", total=1.0)
        self._said = time.monotonic()

    def __enter__(self) -> "Preparing":
        return self

    def __exit__(self, *error: object) -> None:
        if self._bar.live.is_started:
            self._bar.stop()

    def __call__(self, what: str, share: float) -> None:
        """Show what is done and which share of it; a plain line at most every ten seconds."""
        now = time.monotonic()
        if self._console.is_terminal:
            if now - self._said > QUICK and not self._bar.live.is_started:
                self._bar.start()
            self._bar.update(self._task, completed=share, description=what)
        elif now - self._said > 10:
            self._said = now
            self._console.print(f"{share:4.0%} {what}", markup=False, soft_wrap=True)


class Display:
    """Shows statuses as they come; used as a context manager."""

    def __init__(self) -> None:
        self._console = Console(stderr=True, highlight=False, emoji=False)
        self._bar = _bar(self._console)
        self._task = self._bar.add_task("", total=1.0)
        self._live = Live(console=self._console, refresh_per_second=4, transient=False)
        self._last_line = float("-inf")

    def __enter__(self) -> "Display":
        if self._console.is_terminal:
            self._live.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._live.stop()

    def show(self, status: "Status") -> None:
        """Show a status; a plain line at most every ten seconds."""
        left = time_left(status)
        rate = f"{status.rate:,.0f} images/s"
        if self._console.is_terminal:
            self._bar.update(self._task, completed=status.fraction, description=f"left {left}" if left else "")
            self._live.update(self._panel(status, rate))
        elif status.finished or status.seconds - self._last_line >= 10:
            self._last_line = status.seconds
            parts = [f"{status.fraction:4.0%}", f"round {status.round}", f"{status.images:,} images", rate]
            parts += [f"left {left}"] if left else []
            lines = [terms_line(status.terms)] + ([scores_line(status.evaluation)] if status.evaluation else [])
            lines += [status.health.verdict.verdict] if status.health else []
            self._console.print(" ".join(parts), " | ".join(lines), markup=False, soft_wrap=True)

    def _panel(self, status: "Status", rate: str) -> RenderableType:
        lines = [Text(f"round {status.round:,}   {status.images:,} images   {rate}", style="bold")]
        lines += [Text(f"  {line}") for line in terms_line(status.terms).split(" | ")]
        if status.evaluation:
            lines.append(Text(f"  {scores_line(status.evaluation)}"))
        if status.health:
            lines.append(verdict_text(status.health.to_dict()))
        if status.sample:
            lines.append(Text(f"samples {status.sample}", style="dim"))
        return Group(self._bar, *lines)
