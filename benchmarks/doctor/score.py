"""What the verdicts on games are worth."""

import itertools
from collections import Counter
from collections.abc import Sequence
from typing import Any

from sparring.doctor import TROUBLE


def outcome(disease: str, verdicts: Sequence[str]) -> dict[str, Any]:
    """Whether a sick game was named, and a healthy one left alone.

    Args:
        disease: what the game had; empty when it was well.
        verdicts: on it, in their order.
    """
    troubles = Counter(verdict for verdict in verdicts if verdict in TROUBLE)
    right = disease in troubles if disease else not troubles
    # one name for a game: its own disease where that was named, else the most frequent one
    said = disease if disease and right else next(iter([name for name, _ in troubles.most_common(1)]), "none")
    spells = [(verdict, len(list(group))) for verdict, group in itertools.groupby(verdicts)]
    return {"disease": disease, "right": right, "said": said, "last": verdicts[-1], "spells": spells}


def confusion(games: Sequence[dict[str, Any]]) -> str:
    """A row for what games had, a column for what the doctor said; and both shares in words.

    Args:
        games: outcomes.
    """
    table: dict[str, Counter[str]] = {}
    for game in games:
        table.setdefault(game["disease"] or "well", Counter())[game["said"]] += 1
    columns = sorted({said for row in table.values() for said in row})
    lines = ["| had | " + " | ".join(columns) + " |", "|---" * (len(columns) + 1) + "|"]
    lines += [f"| {had} | " + " | ".join(str(row[each] or "") for each in columns) + " |" for had, row in table.items()]
    sick, well = [g for g in games if g["disease"]], [g for g in games if not g["disease"]]
    if sick:
        named, at_last = sum(g["right"] for g in sick), sum(g["last"] == g["disease"] for g in sick)
        lines += ["", f"{named} of {len(sick)} sick games named: {named / len(sick):.0%}"]
        lines[-1] += f" ({at_last} by the last verdict, too)."
    if well:
        alarms = sum(not g["right"] for g in well)
        lines += ["", f"{alarms} of {len(well)} healthy games alarmed: {alarms / len(well):.0%}."]
    return "\n".join(lines)
