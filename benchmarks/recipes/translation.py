"""The bars of the recipes from picture to picture, each beside identity, a twin without adversary, or an ablation.

The two sets of emoji are drawings of the same things, matched by their names: games that are trained without pairs are
scored on held-out pairs. What is held out is decided by name without the tone of skin, so that no thing is on both
sides. `SPARRING_EMOJI` names the folder of emoji-google.zip and emoji-twitter.zip.
"""

import os
import time
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, interpolate

import sparring.data
from benchmarks.recipes.play import Bar, ablation, at_least, at_most, trained
from benchmarks.referee import referee
from sparring import grids, metrics, workflows
from sparring.data import Data, Dataset, Holed, Paired, Reduced, Unpaired
from sparring.drawing import noise_of
from sparring.kinds import Pictures, to_model
from sparring.loop import State, evaluating, play
from sparring.metrics.extractors import random_network, trained_classifier

Bars = Iterator[Bar]
SECONDS = 150.0
"""Processor time of each training, unless a bar says otherwise."""

HELD_OUT = 300
"""Pictures that translations are scored on, at most."""

SKIN = {f"1f3f{k}" for k in "bcdef"}


def thing(name: str) -> str:
    """An emoji's name without the tone of skin."""
    return "-".join(part for part in Path(name).stem.split("-") if part not in SKIN)


@cache
def emoji(style: str, side: int = 32) -> tuple[tuple[str, ...], np.ndarray]:
    """The names, in order, and the pictures over white, uint8 `(N, 3, side, side)`."""
    folder = os.environ.get("SPARRING_EMOJI")
    assert folder, "SPARRING_EMOJI=FOLDER of emoji-google.zip and emoji-twitter.zip"
    pictures = []
    with zipfile.ZipFile(Path(folder) / f"emoji-{style}.zip") as archive:
        names = sorted(name for name in archive.namelist() if name.endswith(".png"))
        for name in names:
            with archive.open(name) as file:
                picture = Image.open(file).convert("RGBA")
            whole = Image.alpha_composite(Image.new("RGBA", picture.size, "white"), picture).convert("RGB")
            pictures.append(np.asarray(whole.resize((side, side), Image.Resampling.LANCZOS)))
    return tuple(names), np.stack(pictures).transpose(0, 3, 1, 2)


def split(names: tuple[str, ...]) -> np.ndarray:
    """Which of the names are held out: a tenth of the things."""
    return np.array([blake2b(thing(name).encode(), digest_size=4).digest()[0] < 26 for name in names])


def as_data(pictures: np.ndarray, held_out: np.ndarray) -> Dataset:
    """A data set whose held-out part is decided elsewhere; it is shuffled, alike for equally many."""
    order = np.random.default_rng(0).permutation(len(pictures))
    pictures, held_out = pictures[order], held_out[order]
    train, kept = ({"x": pictures[which]} for which in (~held_out, held_out))
    return Dataset({"x": Pictures(pictures.shape[1:])}, train, kept, False, (), "of a benchmark")


@cache
def drawings(style: str, side: int = 32) -> Dataset:
    names, pictures = emoji(style, side)
    return as_data(pictures, split(names))


def pairs() -> Paired:
    """Google's drawing of a thing, and Twitter's."""
    return Paired(drawings("google"), drawings("twitter"))


def domains() -> Unpaired:
    """The same, drawn independently."""
    return Unpaired(drawings("google"), drawings("twitter"))


def held_out(data: Data, n: int = HELD_OUT) -> dict[str, Tensor]:
    """Held-out rows in the model's range; of both domains the same things, in one order."""
    return to_model(data.schema, data.held_out(n))


def translated(plan: workflows.Plan, rows: dict[str, Tensor], *, seed: int = 0, back: bool = False) -> Tensor:
    """What the averaged networks make of rows in the model's range, each from the noise of its own seed."""
    state = plan.state
    use = state.game.reverse if back else state.game.sample
    assert use is not None
    noise = noise_of(state.game, range(seed, seed + len(next(iter(rows.values())))))
    parts = []
    with evaluating(state.sampled):
        for first in range(0, len(noise), 50):
            part = {name: column[first : first + 50] for name, column in rows.items()}
            parts.append(use(state.sampled, noise[first : first + 50], part).float().clamp(-1, 1))
    return torch.cat(parts)


def l1(made: Tensor, truth: Tensor) -> float:
    """Mean absolute difference, of pictures from -1 to 1."""
    return (made - truth).abs().mean().item()


def psnr(made: Tensor, truth: Tensor) -> float:
    """Of pictures from -1 to 1, over all of them; in dB."""
    return (10 * torch.log10(4 / (made - truth).square().mean())).item()


def retrieval(made: Tensor, truth: Tensor) -> float:
    """The share of pictures whose nearest truth, by L1, is their own."""
    distances = torch.cdist(made.flatten(1), truth.flatten(1), p=1)
    return distances.argmin(1).eq(torch.arange(len(made))).float().mean().item()


def uint8(x: Tensor) -> np.ndarray:
    return ((x + 1) * 127.5).round().clamp(0, 255).to(torch.uint8).numpy()


def sheet(path: Path | str, *rows: Tensor, columns: int = 16) -> None:
    """Rows of pictures from -1 to 1, one below the other."""
    whole = np.concatenate([uint8(row[:columns]) for row in rows])
    grids.picture_grid(whole.transpose(0, 2, 3, 1), columns=columns).save(path)


def sharpness(x: Tensor) -> float:
    """Mean absolute difference of neighbouring pixels."""
    return (x.diff(dim=2).abs().mean() + x.diff(dim=3).abs().mean()).item()


@cache
def styles() -> nn.Module:
    """A classifier of Google's and Twitter's drawings."""
    train = [data.train["x"] for data in (drawings("google"), drawings("twitter"))]
    labels = np.repeat([0, 1], [len(each) for each in train])
    return trained_classifier(np.concatenate(train), labels, 2)[0]


@torch.no_grad()
def read_as(network: nn.Module, x: Tensor) -> Tensor:
    """The class that a classifier reads in pictures from -1 to 1, `(B,)`."""
    return torch.cat([network(part).argmax(1) for part in x.split(100)])


def figures(a: Tensor, b: Tensor, made: Tensor) -> dict[str, float]:
    """Translations of a beside their partners b; L1 and retrieval are over those of identity."""
    return {
        "L1": l1(made, b) / l1(a, b),
        "retrieval": retrieval(made, b) / retrieval(a, b),
        "flipped": read_as(styles(), made).eq(1).float().mean().item(),
        "PSNR": psnr(made, b),
        "sharpness": sharpness(made),
    }


def as_translation(name: str, a: Tensor, b: Tensor, made: Tensor, ratio: float) -> Bars:
    """A translation beside identity, on held-out pairs."""
    found, floor = figures(a, b, made), retrieval(a, b)
    yield at_most(f"{name}: L1 over identity's ({l1(a, b):.3f})", found["L1"], ratio)
    yield at_least(f"{name}: own partner is nearest, over identity's share ({floor:.3f})", found["retrieval"], 1.0)
    told = read_as(styles(), torch.cat([a, b])).eq(torch.arange(2).repeat_interleave(len(a))).float().mean().item()
    yield at_least(
        f"{name}: read as the other style (held-out reals are told apart: {told:.3f})", found["flipped"], 0.9
    )
    values = f"{found['PSNR']:.2f} dB, {found['sharpness']:.3f}, {sharpness(b):.3f}"
    yield Bar(f"{name}: PSNR, sharpness, that of b", values, "reported", True)


def mismatched(plan: workflows.Plan, rows: dict[str, Tensor]) -> float:
    """The share of held-out pairs that D scores above the same a with another b."""
    game, net = plan.state.game, plan.state.game.networks

    def scores(b: Tensor) -> Tensor:
        parts = zip(rows["a"].split(50), b.split(50), strict=True)
        return torch.cat([game.critic(net, {"a": given, "b": partner}) for given, partner in parts])

    with evaluating(net):
        own, other = scores(rows["b"]), scores(rows["b"].roll(1, 0))
    return (own > other).float().mean().item()


def paired(recipe: str, seed: int, ratio: float) -> Bars:
    """Held-out pairs are met, D tells pairs from pictures that do not belong together; with other partners neither."""
    right = pairs()
    wrong = Paired(right.a, as_other(right.b))
    for data in (right, wrong):
        plan = trained(data, cpu_seconds=SECONDS, recipe=recipe, seed=seed)
        rows = held_out(right)
        made = translated(plan, {"a": rows["a"]})
        rejects = at_least("mismatched pairs that D scores lower", mismatched(plan, rows), 0.8)
        bars = (*as_translation("pairs", rows["a"], rows["b"], made, ratio), rejects)
        if data is right:
            yield from bars
            yield Bar("rounds", str(plan.state.round), "reported", True)
            again = translated(plan, {"a": rows["a"]}, seed=10_000)
            yield Bar("L1 between two noises", f"{l1(made, again):.3f}", "reported", True)
        else:
            yield ablation("partners of others", bars[0])
            yield ablation("partners of others", rejects)


def as_other(data: Dataset) -> Dataset:
    """The same with another's picture in each place."""
    train = {name: np.roll(column, 1, axis=0) for name, column in data.train.items()}
    return Dataset(data.schema, train, data.kept, data.mirror, data.notes, "of a benchmark, moved by one")


def without_adversary(recipe: str, seed: int) -> Bars:
    """The twin that minimises the L1 distance alone, reported: nearer, and less sharp."""
    rows = held_out(pairs())
    plan = trained(pairs(), cpu_seconds=SECONDS, recipe=recipe, seed=seed, options={"adversarial": 0.0})
    for bar in as_translation("L1 alone", rows["a"], rows["b"], translated(plan, {"a": rows["a"]}), 1.0):
        yield Bar(bar.name, bar.value, "reported", True)


def styled(recipe: str, seed: int, weight: str, data: Data) -> Bars:
    """Another style is another picture, of the same partner; where the style is not read back, it is not used."""
    rows = held_out(data)
    for value in (None, 1e-9):
        options = {} if value is None else {weight: value}
        plan = trained(data, cpu_seconds=SECONDS, recipe=recipe, seed=seed, options=options)
        one, other = (translated(plan, {"a": rows["a"]}, seed=10_000 * k) for k in range(2))
        apart = l1(one, other) / l1(one, one.roll(1, 0))
        bar = at_least("L1 between two styles, over that between two things", apart, 0.1)
        if value is None:
            yield bar
            yield from as_translation("a style", rows["a"], rows["b"], one, 1.0)
        else:
            yield ablation("style not read back", bar)


def unpaired(recipe: str, seed: int, weights: dict[str, float]) -> Bars:
    """Held-out pairs are met without having seen one; without a way back, the partner is lost."""
    rows = held_out(domains())
    a, b = rows["a"], rows["b"]
    for options in ({}, weights):
        plan = trained(domains(), cpu_seconds=SECONDS, recipe=recipe, seed=seed, options=options)
        made = translated(plan, {"a": a})
        bars = list(as_translation("no pairs", a, b, made, 1.0))
        if options:
            yield ablation(f"{', '.join(options)} of 0", bars[1])
            continue
        yield from bars
        back = l1(translated(plan, {"b": made}, back=True), a)
        yield (
            at_most("L1 after going there and back", back, 0.1)
            if recipe == "cyclegan"
            else Bar("L1 after going there and back", f"{back:.3f}", "reported", True)
        )
        yield Bar("rounds", str(plan.state.round), "reported", True)


@cache
def digits() -> Dataset:
    """The embedded digits."""
    data = sparring.data.open("digits")
    assert isinstance(data, Dataset)
    return data


def changed(data: Dataset, change: Any) -> Dataset:
    """The same pictures, each changed."""
    train, kept = ({"x": change(np.asarray(part["x"])), "y": part["y"]} for part in (data.train, data.kept))
    schema = {**data.schema, "x": Pictures(train["x"].shape[1:])}
    return Dataset(schema, train, kept, False, (), "of a benchmark, changed")


class Apart(nn.Module):
    """Two coupled networks of which each does one of the two kinds: nothing is shared."""

    def __init__(self, first: Any, second: Any) -> None:
        super().__init__()
        self.both = nn.ModuleList([first, second])

    def of(self, kind: int, x: Tensor) -> Tensor:
        """A picture of the first (0) or the second (1) kind -> `(B,)`."""
        network: Any = self.both[kind]
        return network.of(kind, x)

    def forward(self, *given: Tensor) -> tuple[Tensor, Tensor]:
        """As the coupled networks do."""
        return self.both[0](*given)[0], self.both[1](*given)[1]


def kappa(a: Tensor, b: Tensor) -> float:
    """Cohen's kappa of the digits read in two rows of pictures: 1 is the same everywhere, 0 is chance.

    Of ten digits that are equally frequent, 0.89 is the same digit nine times in ten. Where all are read alike it is 0.
    """
    first, second = (read_as(referee()[0], x) for x in (a, b))
    same = first.eq(second).float().mean().item()
    shares = [torch.bincount(each, minlength=10) / len(each) for each in (first, second)]
    chance = (shares[0] * shares[1]).sum().item()
    return (same - chance) / (1 - chance) if chance < 1 else 0.0


def cogan(seed: int) -> Bars:
    """One noise is one digit in both kinds: digits, and digits inverted. Without shared layers it is not."""
    data = Unpaired(digits(), changed(digits(), lambda x: 255 - x))
    for shared in (True, False):
        plan = workflows.plan(data, recipe="cogan", rounds=1_000_000, seed=seed, out="never-written")
        if not shared:
            other = workflows.plan(data, recipe="cogan", rounds=1, seed=seed + 1_000, out="never-written").state.game
            net = plan.state.game.networks
            apart = net._replace(G=Apart(net.G, other.networks.G), D=Apart(net.D, other.networks.D))
            plan = replace(plan, state=State.start(replace(plan.state.game, networks=apart)))
        until = time.process_time() + SECONDS
        for _ in play(plan.state, plan.data, plan.how):
            if time.process_time() >= until:
                break
        with evaluating(plan.state.sampled):
            made = [plan.state.sampled.G(noise) for noise in noise_of(plan.state.game, range(1_000)).split(100)]
        a, b = (torch.cat(each) for each in zip(*made, strict=True))
        bar = at_least("agreement of the digits in both kinds, beyond chance", kappa(a, -b), 0.89)
        yield bar if shared else ablation("nothing shared", bar)


def share_read(network: nn.Module, x: Tensor, y: Tensor) -> float:
    """The share of pictures that are read as these classes."""
    return read_as(network, x).eq(y).float().mean().item()


def adapting() -> Unpaired:
    """Labelled digits, and digits on pieces of emoji: their labels, too, are there, and only the bar reads them."""
    return Unpaired(changed(digits(), colourful), changed(digits(), on_pictures))


def colourful(x: np.ndarray) -> np.ndarray:
    """Grey -> RGB."""
    return np.repeat(x, 3, axis=1)


def on_pictures(x: np.ndarray) -> np.ndarray:
    """The absolute difference of each digit from a piece of an emoji, as MNIST-M is made of photographs."""
    _, pictures = emoji("google", 64)
    rng = np.random.default_rng(0)
    which, top, left = rng.integers(len(pictures), size=len(x)), *rng.integers(8, 28, (2, len(x)))
    pieces = np.stack([pictures[k, :, t : t + 28, r : r + 28] for k, t, r in zip(which, top, left, strict=True)])
    return np.abs(pieces.astype(int) - colourful(x)).astype(np.uint8)


def pixelda(seed: int) -> Bars:
    """T reads digits of which it saw no label; on the labelled ones alone it does not."""
    data = adapting()
    test = to_model(data.schema, data.held_out(1_000))
    accuracy = {}
    for weight in (0.1, 1e-9):
        plan = trained(data, cpu_seconds=2 * SECONDS, recipe="pixelda", seed=seed, options={"domain": weight})
        accuracy[weight] = 100 * share_read(plan.state.game.networks.T.eval(), test["b"], test["y_b"])
    alone = 100 * share_read(source_only(data, seed, plan.state.round), test["b"], test["y_b"])
    name = f"points of accuracy gained over the labelled kind alone ({alone:.1f})"
    yield at_least(name, accuracy[0.1] - alone, 15)
    yield ablation("D does not count", at_least(name, accuracy[1e-9] - alone, 15))


def source_only(data: Data, seed: int, steps: int) -> nn.Module:
    """T, trained on the labelled digits alone."""
    T = workflows.plan(data, recipe="pixelda", rounds=1, seed=seed, out="never-written").state.game.networks.T
    optimizer = torch.optim.Adam(T.parameters(), 1e-3, (0.5, 0.999))
    for step in range(min(steps, 2_000)):
        rows = to_model(data.schema, data.batch(step, 32, seed))
        loss = cross_entropy(T(rows["a"]), rows["y_a"])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return T.eval()


def in_hole(x: Tensor, holed: Tensor) -> Tensor:
    """The hole in the center alone, `(B, C, h, w)`."""
    hidden = holed[0, -1] < 0
    rows, columns = hidden.any(1).nonzero().flatten(), hidden.any(0).nonzero().flatten()
    return x[:, :, rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def completion(seed: int) -> Bars:
    """What is filled in is nearer than the mean of all pictures, and sharper than by the squared error alone."""
    data = Holed(drawings("twitter"), "center", 0.5)
    rows = held_out(data)
    truth = in_hole(rows["b"], rows["a"])
    every = in_hole(to_model(data.schema, data.rows(slice(None)))["b"], rows["a"])
    floor = psnr(every.mean(0, keepdim=True).expand_as(truth), truth)
    name = f"PSNR in the hole over that of the mean ({floor:.2f} dB)"
    sharp = {}
    for options in ({}, {"adversarial": 0.0}, {"lr": 1e-9}):
        length: dict[str, Any] = {"rounds": 200} if "lr" in options else {"cpu_seconds": SECONDS}
        plan = trained(data, **length, recipe="context-encoder", seed=seed, options=options)
        made = in_hole(translated(plan, {"a": rows["a"]}), rows["a"])
        bar = at_least(name, psnr(made, truth) - floor, 3)
        if "lr" in options:
            yield ablation("G does not learn", bar)
            continue
        sharp[bool(options)] = sharpness(made)
        yield bar if not options else Bar(f"squared error alone: {name}", bar.value, "reported", True)
    name = f"sharpness over that of the squared error alone (reals: {sharpness(truth) / sharp[True]:.2f})"
    yield at_least(name, sharp[False] / sharp[True], 1.05)


def read_through_holes(seed: int) -> Bars:
    """Completed digits are read as what they were; completed by a G that does not learn, they are not."""
    data = Holed(digits(), "random", 0.6)
    rows = held_out(data, 1_000)
    y = rows["y"]
    plan = trained(data, cpu_seconds=2 * SECONDS, recipe="ccgan", seed=seed)
    grey = share_read(referee()[0], rows["a"][:, :1], y)
    name = f"completed digits that are read as what they were (hole left grey: {grey:.3f})"
    yield at_least(name, share_read(referee()[0], translated(plan, {"a": rows["a"]}), y), 0.85)
    lazy = trained(data, rounds=200, recipe="ccgan", seed=seed, options={"lr": 1e-9})
    found = share_read(referee()[0], translated(lazy, {"a": rows["a"]}), y)
    yield ablation("G does not learn", at_least(name, found, 0.85))


def enlargement(recipe: str, seed: int) -> Bars:
    """The network of the first phase beats bicubic enlargement; the adversary's is nearer as a set, at little cost."""
    data = Reduced(drawings("twitter", 64), 4)
    rows = held_out(data)
    bicubic = interpolate(rows["a"], scale_factor=4, mode="bicubic").clamp(-1, 1)
    floor, phi = psnr(bicubic, rows["b"]), random_network(3)

    def distance(x: Tensor) -> float:
        return metrics.frechet_distance(phi(uint8(rows["b"])).features, phi(uint8(x)).features)

    # the two have the same rounds: the second half of one is the adversary's
    first = trained(data, cpu_seconds=SECONDS, recipe=recipe, seed=seed, options={"pretrain": 1.0})
    plain = translated(first, {"a": rows["a"]})
    gain = f"PSNR over bicubic's ({floor:.2f} dB)"
    yield at_least(f"first phase alone: {gain}", psnr(plain, rows["b"]) - floor, 1.0)
    yield ablation("bicubic", at_least(f"first phase alone: {gain}", 0.0, 1.0))
    plan = trained(data, rounds=first.state.round, recipe=recipe, seed=seed)
    made = translated(plan, {"a": rows["a"]})
    yield at_most("dB that the adversary costs", psnr(plain, rows["b"]) - psnr(made, rows["b"]), 1.5)
    before = f"{distance(plain):.3g}, bicubic {distance(bicubic):.3g}"
    name = f"distance from large pictures, over that of the first phase alone ({before})"
    yield at_most(name, distance(made) / distance(plain), 0.95)
    sharp = ", ".join(f"{sharpness(x):.3f}" for x in (made, plain, rows["b"]))
    yield Bar("sharpness: with the adversary, first phase alone, reals", sharp, "reported", True)


def classes(seed: int) -> Bars:
    """Digits become the digit that is asked for; where the class does not count, they do not."""
    rows = held_out(digits(), 1_000)
    wanted = (rows["y"] + 1 + torch.arange(len(rows["y"])) % 9) % 10
    for weight in (1.0, 1e-9):
        plan = trained("digits", cpu_seconds=2 * SECONDS, recipe="stargan", seed=seed, options={"classify": weight})
        made = translated(plan, {"x": rows["x"], "y": wanted})
        bar = at_least("digits read as the one that was asked for", share_read(referee()[0], made, wanted), 0.9)
        yield bar if weight == 1 else ablation("class does not count", bar)


BARS: dict[str, dict[str, Any]] = {
    "pix2pix": {
        "pairs": lambda seed: paired("pix2pix", seed, 0.8),
        "l1-alone": lambda seed: without_adversary("pix2pix", seed),
    },
    "bicyclegan": {"styles": lambda seed: styled("bicyclegan", seed, "style_code", pairs())},
    "cyclegan": {"emoji": lambda seed: unpaired("cyclegan", seed, {"cycle": 0.0})},
    "discogan": {"emoji": lambda seed: unpaired("discogan", seed, {"reconstruction": 0.0})},
    "dualgan": {"emoji": lambda seed: unpaired("dualgan", seed, {"reconstruction": 0.0})},
    "unit": {"emoji": lambda seed: unpaired("unit", seed, {"image": 1e-9, "cycle": 0.0})},
    "munit": {"styles": lambda seed: styled("munit", seed, "style_code", domains())},
    "stargan": {"classes": classes},
    "cogan": {"same": cogan},
    "pixelda": {"adaptation": pixelda},
    "context-encoder": {"hole": completion},
    "ccgan": {"read": read_through_holes},
    "srgan": {"enlarge": lambda seed: enlargement("srgan", seed)},
    "esrgan": {"enlarge": lambda seed: enlargement("esrgan", seed)},
}
