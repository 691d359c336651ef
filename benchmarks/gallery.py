"""Every recipe on digits at equal processor time: a row of samples each, the referee's scores, the doctor's verdict.

    python -m benchmarks.gallery --seconds 60 --out gallery.png
    python -m benchmarks.gallery default r3gan --seconds 10 --out gallery.png

Recipes are read from the registry; one that digits do not do for, or that makes its pictures of pictures, is passed
over. The pace of a recipe is measured in a short game before, so that its schedules end when its time does. Strips of
samples are kept beside the picture, in a folder of its name: a gallery can be made in several calls, and shows what is
there. `python -m benchmarks.tables` writes the table into the docs.
"""

import argparse
import time
from contextlib import suppress
from itertools import islice
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFont

from benchmarks.recipes.play import samples
from benchmarks.record import record
from benchmarks.referee import score
from benchmarks.tables import gallery
from sparring import UserError, workflows
from sparring.doctor import Doctor, Verdict
from sparring.kinds import labelled, pictured
from sparring.loop import DivergedError, play
from sparring.recipes import RECIPES

SHOWN = 20
EXAMINATIONS = 16
WARMING, TIMED = 5, 0.05
"""Rounds that are not timed, and the share of the seconds that finding the pace takes."""


def planned(recipe: str, seed: int, rounds: int) -> workflows.Plan:
    return workflows.plan("digits", recipe=recipe, seed=seed, rounds=rounds, out="never-written")


def pace(recipe: str, seed: int, seconds: float) -> float:
    """Seconds of one processor a round."""
    plan = planned(recipe, seed, 1_000_000)
    rounds = play(plan.state, plan.data, plan.how)
    began, played = time.process_time(), 0
    with suppress(DivergedError):
        list(islice(rounds, WARMING))
        began = time.process_time()
        while not played or time.process_time() - began < TIMED * seconds:
            next(rounds)
            played += 1
    return (time.process_time() - began) / max(1, played)


def attended(recipe: str, seed: int, seconds: float) -> tuple[workflows.Plan, float, Verdict | None]:
    """A game of so many seconds of one processor, the seconds that it took, and the last verdict.

    Examinations are not counted.
    """
    rounds = max(EXAMINATIONS, round(seconds / pace(recipe, seed, seconds)))
    plan = planned(recipe, seed, rounds)
    doctor = Doctor(plan.state, plan.data, plan.how, every=str(max(1, rounds // EXAMINATIONS)))
    verdict, spent, began = None, 0.0, time.process_time()
    try:
        for played in play(plan.state, plan.data, plan.how):
            spent += time.process_time() - began
            last = played.number == rounds
            health = doctor.attend(played, plan.images(), spent, played.number / rounds, last)
            verdict = health.verdict if health else verdict
            if last:
                break
            began = time.process_time()
    except DivergedError as error:
        verdict = doctor.on_divergence(error, plan.images(), spent).verdict
    return plan, spent, verdict


def shown(plan: workflows.Plan) -> np.ndarray:
    """The first seeds in a row, of every class in turn where there are classes."""
    column = labelled(plan.data.schema, plan.state.game.given)
    given = {column: torch.arange(SHOWN) % 10} if column else {}
    return np.concatenate(list(samples(plan, SHOWN, given)), axis=1)[:, :, 0]


def sheet(strips: Path, out: Path, scale: int = 2, gap: int = 6, margin: int = 130) -> None:
    """All strips that were kept, each with its name, in the order of the registry."""
    rows = [(name, strips / f"{name}.png") for name in RECIPES if (strips / f"{name}.png").exists()]
    pictures = []
    for name, path in rows:
        with Image.open(path) as image:
            pictures.append((name, image.resize((image.width * scale, image.height * scale), Image.Resampling.NEAREST)))
    width, height = pictures[0][1].size
    whole = Image.new("L", (margin + width, len(pictures) * (height + gap) + gap), 255)
    pen, font = ImageDraw.Draw(whole), ImageFont.load_default(18)
    for k, (name, picture) in enumerate(pictures):
        top = gap + k * (height + gap)
        pen.text((margin - 12, top + height / 2), name, fill=0, font=font, anchor="rm")
        whole.paste(picture, (margin, top))
    whole.save(out)


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("recipes", nargs="*", metavar="RECIPE", help="by default all")
    arguments.add_argument("--seconds", type=float, default=60.0, help="of one processor, each")
    arguments.add_argument("--seed", type=int, default=0)
    arguments.add_argument("--out", type=Path, default=Path("gallery.png"))
    given = arguments.parse_args()
    torch.set_num_threads(1)
    strips: Path = given.out.with_suffix("")
    strips.mkdir(parents=True, exist_ok=True)
    for name in given.recipes or RECIPES:
        try:
            tried = planned(name, given.seed, 1)
            given_pictures = pictured(tried.data.schema, tried.state.game.given)
        except UserError as error:
            print(f"{name}: passed over: {error}", flush=True)
            continue
        if given_pictures:
            print(f"{name}: passed over: it makes pictures of pictures", flush=True)
            continue
        plan, spent, verdict = attended(name, given.seed, given.seconds)
        Image.fromarray(shown(plan)).save(strips / f"{name}.png")
        rounds, result = plan.state.round, score(samples(plan, 10_000))
        said = verdict.verdict if verdict else "not examined"
        print(f"{name}: {rounds:,} rounds in {spent:.1f} s, {said}, {result}", flush=True)
        played = {"recipe": name, "seed": given.seed, "asked_seconds": given.seconds, "cpu_seconds": spent}
        record("gallery", **played, rounds=rounds, verdict=said, **result.to_dict())
        sheet(strips, given.out)
    print(gallery())


if __name__ == "__main__":
    main()
