"""Images a second of this tree, of an earlier revision, of a bare loop and of the tutorial's, in turns.

python -m benchmarks.speed --against REV --cases ring digits --repeats 7

Each way to play has a process; they are asked for short blocks in turns, so that what else the machine does hits all
alike. Figures are medians of blocks; ratios are of each block and its neighbour.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from statistics import median
from typing import Any

import torch

from benchmarks.record import record
from benchmarks.revisions import HERE, checked_out
from benchmarks.speed.cases import CASES

WAYS = ("bare", "tutorial")


class Player:
    """A process that plays when it is asked to."""

    def __init__(self, way: str, case: str, precision: str, threads: str, tree: Path) -> None:
        command = [sys.executable, "-m", "benchmarks.speed.worker", way, case, precision, threads]
        path = f"{tree / 'src'}{os.pathsep}{HERE}"
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=HERE,
            env=os.environ | {"PYTHONPATH": path},
        )  # fmt: skip
        self.told = self.read()
        self.blocks: list[dict[str, float]] = []

    def read(self) -> dict[str, Any]:
        """Its next answer."""
        assert self.process.stdout
        return json.loads(self.process.stdout.readline())

    def play(self, rounds: int) -> dict[str, float]:
        """Play so many; seconds a round, and the memory that it has held at most."""
        assert self.process.stdin
        print(rounds, file=self.process.stdin, flush=True)
        took = self.read()
        return {name: took[name] / rounds for name in ("wall", "processor")} | {"megabytes": took["megabytes"]}

    def close(self) -> None:
        """Let it end."""
        assert self.process.stdin
        self.process.stdin.close()
        self.process.wait()


def ceiling() -> float:
    """Floating-point operations that a second of one core does in a matrix product of 1,024."""
    torch.set_num_threads(1)
    a = torch.randn(1024, 1024)
    times = []
    for _ in range(20):
        begun = time.process_time()
        a @ a
        times.append(time.process_time() - begun)
    return 2 * 1024**3 / min(times)


def measured(players: dict[str, Player], seconds: float, repeats: int) -> None:
    """Let all play in turns; every block is about so long."""
    rounds = {name: max(1, round(seconds / max(1e-4, player.play(3)["wall"]))) for name, player in players.items()}
    for _ in range(repeats):
        for name, player in players.items():
            player.blocks.append(player.play(rounds[name]))


def told(case: str, players: dict[str, Player], peak: float, facts: dict[str, Any]) -> None:
    ours = next(iter(players.values()))
    for name, player in players.items():
        images, flops = player.told["images"], player.told["flops"]
        wall, processor = (median(block[what] for block in player.blocks) for what in ("wall", "processor"))
        ratios = {
            what: median(
                (theirs[what] / player.told["images"]) / (own[what] / ours.told["images"])
                for own, theirs in zip(ours.blocks, player.blocks, strict=True)
            )
            for what in ("wall", "processor")
        }
        result = {
            "images_a_second": images / wall,
            "milliseconds_a_round": 1e3 * wall,
            "processor_milliseconds_an_image": 1e3 * processor / images,
            "share_of_the_ceiling": flops / processor / peak,
            "megabytes": player.blocks[-1]["megabytes"],
            "ours_is_faster_by": ratios["wall"],
            "by_processor_time": ratios["processor"],
        }
        print(
            f"{case:15} {name:12} {result['images_a_second']:8.0f} images/s {1e3 * wall:8.2f} ms a round "
            f"{result['processor_milliseconds_an_image']:7.3f} ms of a processor an image, "
            f"{result['share_of_the_ceiling']:4.0%} of the ceiling, {result['megabytes']:5.0f} MB; "
            f"ours is x{ratios['wall']:.2f} (processor x{ratios['processor']:.2f})",
            flush=True,
        )
        record("speed", case=case, way=name, **facts, **result)


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--against", default="", help="a revision of this tree")
    arguments.add_argument("--cases", nargs="*", choices=CASES, default=list(CASES))
    arguments.add_argument("--ways", nargs="*", choices=WAYS, default=list(WAYS), help="besides")
    arguments.add_argument("--precision", choices=("auto", "float32", "bfloat16"), default="auto")
    arguments.add_argument("--threads", default="auto")
    arguments.add_argument("--seconds", type=float, default=1.0, help="of a block")
    arguments.add_argument("--repeats", type=int, default=9)
    given = arguments.parse_args()
    peak = ceiling()
    facts = {"against": given.against, "precision": given.precision, "asked_threads": given.threads}
    print(f"ceiling: {peak / 1e9:.0f} GFLOP/s of one core", flush=True)
    with checked_out(given.against) as earlier:
        for case in given.cases:
            trees = {"ours": ("ours", HERE)} | ({given.against: ("ours", earlier)} if given.against else {})
            trees |= {way: (way, HERE) for way in given.ways if way == "bare" or case == "digits"}
            players = {
                name: Player(way, case, given.precision, given.threads, tree) for name, (way, tree) in trees.items()
            }
            measured(players, given.seconds, given.repeats)
            told(case, players, peak, facts)
            for player in players.values():
                player.close()


if __name__ == "__main__":
    main()
