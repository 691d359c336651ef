"""Writes the measured results into the docs, behind `<!-- results -->`: the newest of each bar and seed.

python -m benchmarks.tables
"""

import json
from collections import defaultdict
from pathlib import Path
from typing import Any

from benchmarks.doctor.score import confusion
from benchmarks.record import RESULTS

DOCS = Path(__file__).parents[1] / "docs"
MARK = "<!-- results -->"


def newest(name: str, *keys: str) -> list[dict[str, Any]]:
    """The last record of each combination of these keys, in the order in which they first came."""
    path = RESULTS / f"{name}.jsonl"
    records = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()] if path.exists() else []
    last = {tuple(record.get(key) for key in keys): record for record in records}
    return list(last.values())


def machines(records: list[dict[str, Any]]) -> str:
    """Versions and machines that the results come from, each once."""
    return "; ".join(sorted({f"torch {r['torch']}, {r['cpu']}, threads: {r['threads']}" for r in records}))


def recipe_tables() -> dict[str, str]:
    """For each recipe, its bars with the values of all seeds."""
    bars: dict[str, dict[tuple[str, str], list[dict[str, Any]]]] = defaultdict(lambda: defaultdict(list))
    reports: dict[str, list[str]] = defaultdict(list)
    played: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for record in newest("recipes", "recipe", "seed", "name"):
        recipe = record["recipe"]
        played[recipe].append(record)
        if record["target"] == "reported":
            reports[recipe].append(f"- {record['name']}, seed {record['seed']}: {record['value']}")
        else:
            bars[recipe][(record["name"], record["target"])].append(record)
    tables = {}
    for recipe, rows in bars.items():
        seeds = sorted({record["seed"] for records in rows.values() for record in records})
        lines = [
            f"`python -m benchmarks.recipes {recipe} --seeds {','.join(map(str, seeds))} --threads 1`",
            "",
            f"{machines(played[recipe])}.",
            "",
            "| bar | target | by seed | |",
            "|---|---|---|---|",
        ]
        for (name, target), records in rows.items():
            records.sort(key=lambda record: record["seed"])
            values = ", ".join(record["value"] for record in records)
            if len(records) < len(seeds):
                values += f" (seeds {', '.join(str(record['seed']) for record in records)})"
            missed = [str(record["seed"]) for record in records if not record["passed"]]
            verdict = "met" if not missed else f"**missed** by seed {', '.join(missed)}"
            lines.append(f"| {name} | {target} | {values} | {verdict} |")
        tables[recipe] = "\n".join(lines + ([""] if reports[recipe] else []) + reports[recipe])
    return tables


def scores(table: str, key: str, command: str) -> str:
    """The referee's scores of a table of runs, one a line."""
    length = "cpu_seconds" if table == "search" else "minutes"
    records = newest(table, key, "seed", length)
    if not records:
        return ""
    titles = [key, "seed", length.replace("_", " "), "rounds", "FD", "precision", "recall", "nearest", "copies"]
    titles.append("smallest class")
    lines = [f"`{command}`", "", f"| {' | '.join(titles)} |", "|---" * len(titles) + "|"]
    for r in records:
        figures = [f"{r[name]:.2f}" for name in ("fd", "precision", "recall", "nearest")]
        cells = [
            r[key],
            r["seed"],
            f"{r[length]:g}",
            f"{r['rounds']:,}",
            *figures,
            r["copies"],
            f"{r['smallest_class']:.0%}",
        ]
        lines.append(f"| {' | '.join(map(str, cells))} |")
    floors = ", ".join(sorted({f"{record['floor']:.2f}" for record in records}))
    return "\n".join([*lines, "", f"The floor of FD, reals against reals, is {floors}. {machines(records)}."])


def translation_peers() -> str:
    """The recipe cyclegan beside a plain loop, a training a line."""
    records = newest("peers-cyclegan", "peer", "seed", "minutes")
    if not records:
        return ""
    figures = ("images_a_second", "L1", "retrieval", "flipped", "PSNR", "sharpness")
    titles = ["loop", "seed", "minutes", "images a second", "L1 over identity's", "retrieval over identity's"]
    titles += ["read as the other style", "PSNR, dB", "sharpness"]
    minutes, seeds = records[-1]["minutes"], sorted({record["seed"] for record in records})
    lines = ["### Against a plain loop, as many minutes each", ""]
    lines += [f"`python -m benchmarks.peers cyclegan --minutes {minutes:g} --seeds {','.join(map(str, seeds))}`", ""]
    lines += [f"| {' | '.join(titles)} |", "|---" * len(titles) + "|"]
    for r in records:
        cells = [r["peer"], r["seed"], f"{r['minutes']:g}", *(f"{r[figure]:.3g}" for figure in figures)]
        lines.append(f"| {' | '.join(map(str, cells))} |")
    return "\n".join([*lines, "", f"{machines(records)}."])


def modes() -> str:
    """Modes found, by protocol and recipe, with the values of all seeds."""
    found: dict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
    for record in newest("modes", "protocol", "recipe", "seed"):
        found[record["protocol"], record["recipe"]].append(record)
    lines = ["| | | seeds | modes | good | KL | seconds |", "|---" * 7 + "|"]
    for (protocol, recipe), records in sorted(found.items()):
        columns = (
            [str(r["seed"]) for r in records],
            [f"{r['found']} of {r['total']}" for r in records],
            ["-" if protocol == "stacked" else f"{r['good']:.1%}" for r in records],
            [f"{r['kl']:.3f}" for r in records],
            [str(r["seconds"]) for r in records],
        )
        lines.append(f"| {protocol} | {recipe} | {' | '.join(', '.join(column) for column in columns)} |")
    return "\n".join([*lines, "", f"{machines([r for rs in found.values() for r in rs])}."])


def points() -> str:
    """What each recipe makes of ring and grid with nothing set, with the values of all seeds."""
    found: dict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
    for record in sorted(newest("points", "data", "recipe", "seed"), key=lambda record: record["seed"]):
        found[record["data"], record["recipe"]].append(record)
    lines = ["| | | seeds | rounds | modes | within 3σ | doctor, in the end | diseases |", "|---" * 8 + "|"]
    for (data, recipe), records in sorted(found.items()):
        columns = (
            [str(r["seed"]) for r in records],
            [f"{r['rounds']:,}" for r in records],
            [f"{r['found']} of {r['total']}" for r in records],
            [f"{r['good']:.1%}" for r in records],
            [r["verdict"] for r in records],
            [" and ".join(r["sick"]) or "-" for r in records],
        )
        lines.append(f"| {data} | {recipe} | {' | '.join('; '.join(column) for column in columns)} |")
    return "\n".join([*lines, "", f"{machines([r for rs in found.values() for r in rs])}."])


def gallery() -> str:
    """All recipes on digits: of every recipe the newest game of the length that was played last."""
    records = newest("gallery", "recipe", "seed", "asked_seconds")
    if not records:
        return "Not measured yet."
    last = max(records, key=lambda record: record["when"])
    seconds, seed = last["asked_seconds"], last["seed"]
    records = [record for record in records if (record["asked_seconds"], record["seed"]) == (seconds, seed)]
    records.sort(key=lambda record: record["fd"])
    lines = ["| recipe | FD | precision | recall | smallest class | seconds a round | verdict |", "|---" * 7 + "|"]
    for r in records:
        figures = f"{r['fd']:.2f} | {r['precision']:.2f} | {r['recall']:.2f} | {r['smallest_class']:.1%}"
        pace = r["cpu_seconds"] / max(1, r["rounds"])
        lines.append(f"| [{r['recipe']}]({r['recipe']}.md) | {figures} | {pace:.3f} | {r['verdict']} |")
    floors = ", ".join(sorted({f"{record['floor']:.2f}" for record in records}))
    command = f"`python -m benchmarks.gallery --seconds {seconds:g} --seed {seed}`"
    return "\n".join([command, "", *lines, "", f"The floor of FD is {floors}. {machines(records)}."])


def doctor() -> str:
    """What games had and what the doctor said, and each game that it got wrong."""
    parts: list[str] = []
    titles = {"final": "The settings that decide", "others": "Games by another hand"}
    titles["small"] = "Few pictures, with augmentation and without"
    titles["tuning"] = "The settings of the thresholds"
    for name, title in titles.items():
        games = [game for game in newest("doctor", "set", "setting", "seed") if game["set"] == name]
        if not games:
            continue
        seeds = ",".join(map(str, sorted({game["seed"] for game in games})))
        parts += [f"### {title}", f"`python -m benchmarks.doctor {name} --seeds {seeds}`", confusion(games)]
        wrong = [f"- {g['setting']}, seed {g['seed']}: {g['said']}" for g in games if not g["right"]]
        parts += ["\n".join(["Wrong:", "", *wrong])] if wrong else []
        parts.append(f"{machines(games)}.")
    return "\n\n".join(parts)


def write(page: Path, table: str, mark: str = MARK) -> None:
    """Put the table behind the page's mark, up to the next heading of the second level."""
    before, _, after = page.read_text(encoding="utf-8").partition(mark)
    rest = after.partition("\n## ")
    page.write_text(f"{before}{mark}\n{table}\n{''.join(rest[1:])}", encoding="utf-8")


def main() -> None:
    tables = recipe_tables()
    parts = [
        "### Against the tutorial's DCGAN, as many minutes each",
        scores("peers", "peer", "python -m benchmarks.peers --minutes 5 --seeds 0-2"),
        "### The search",
        scores("search", "variant", "python -m benchmarks.search VARIANT ... --cpu-seconds SECONDS"),
        tables.get("default", ""),
    ]
    tables["default"] = "\n\n".join(part for part in parts if part)
    parts = [translation_peers(), tables.get("cyclegan", "")]
    tables["cyclegan"] = "\n\n".join(part for part in parts if part)
    for recipe, table in tables.items():
        write(DOCS / "recipes" / f"{recipe}.md", table)
    write(DOCS / "recipes" / "README.md", gallery(), "<!-- gallery -->")
    write(DOCS / "modes.md", modes())
    write(DOCS / "modes.md", points(), "<!-- points -->")
    write(DOCS / "doctor.md", doctor())


if __name__ == "__main__":
    main()
