"""The bars of the two-network recipes: what each must do before it counts as working, and what must fail it."""

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache
from itertools import islice
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

import sparring
import sparring.data
from benchmarks.modes.protocols import played
from benchmarks.recipes import codes, growing, styles, translation, variety
from benchmarks.recipes.play import (
    Bar,
    ablation,
    at_least,
    at_most,
    beside,
    samples,
    trained,
    within,
)
from benchmarks.referee import Score, class_distance, obedience, score
from sparring import metrics, workflows
from sparring.game import OptimizerConfig
from sparring.kinds import to_model
from sparring.loop import play
from sparring.metrics.table import KNOWN_MODES
from sparring.networks import MLPDiscriminator, MLPGenerator
from sparring.objectives import least_squares, minimax, non_saturating, relativistic_average
from sparring.penalties import gradient_penalty, squared_gradient_norms

Bars = Iterator[Bar]
DIGIT_SECONDS = 180.0
"""Processor time of each recipe on digits, so that their figures compare with one another."""

CLASS_ROUNDS = 3000
"""Rounds of the recipes with labels: of cgan about three minutes of a quiet core."""


def point_modes(recipe: str, seed: int, names: tuple[str, ...] = ("ring", "grid")) -> Bars:
    """All modes of ring and grid, 2,500 samples, nine in ten within 3σ."""
    for name, needed in (("ring", 8), ("grid", 24)):
        if name in names:
            found = played(name, recipe, seed)
            yield at_least(f"{name}: modes", found.found, needed)
            yield at_least(f"{name}: share within 3 sigma", found.good, 0.9)


def no_match(seed: int) -> Bars:
    """The first GAN, on the same networks and as many rounds, must not reach on the grid what r3gan and wgan-gp do.

    On the ring it often does, so there it is only reported.
    """
    for bar in point_modes("gan", seed, ("ring",)):
        yield replace(bar, target="reported", passed=True)
    yield ablation("no penalty", next(point_modes("gan", seed, ("grid",))))


def unpenalised(recipe: str, seed: int, rounds: int = 4_000) -> Bars:
    """The recipe's game with no weight on its penalty must not find the grid's modes."""
    plan = trained("grid", rounds=rounds, recipe=recipe, seed=seed, options={"penalty": 0.0})
    found = metrics.count_modes(torch.from_numpy(samples(plan, 2_500)), *KNOWN_MODES["grid"])
    yield ablation("no penalty", at_least("grid: share within 3 sigma", found.good, 0.9))


def at_the_boundary(recipe: str, seed: int, rounds: int = 4_000) -> Bars:
    """The logits of fakes come near 0 in G's turn, beside those where G does not learn; another such G's do not."""
    found = []
    for lr, start in ((1e-3, seed), (1e-12, seed), (1e-12, seed + 1_000)):
        plan = trained("gaussian", rounds=rounds, recipe=recipe, seed=start, options={"lr": lr, "lr_d": 1e-3})
        net = plan.state.game.networks
        with torch.no_grad():
            z = plan.state.game.noise(2_000, torch.Generator().manual_seed(start), None)
            found.append(net.D(net.G(z)).abs().mean().item())
    learnt, held, other = found
    yield at_most("mean of the fakes' |logit|", learnt, 0.3)
    name = "mean of the fakes' |logit|, over that where G does not learn"
    yield beside(at_most(name, learnt / held, 0.2), held)
    yield ablation("G does not learn", at_most(name, other / held, 0.2))


def shared_softmax(seed: int, rounds: int = 4_000) -> Bars:
    """G's loss tends to its bound, log 2n, and never falls below; where G does not learn it stays away."""
    for lr, learns in ((1e-3, True), (1e-12, False)):
        options = {"lr": lr, "lr_d": 1e-3, "batch": 64}
        plan = workflows.plan("gaussian", recipe="softmax-gan", rounds=rounds, seed=seed, options=options, out="never")
        losses = [played.terms for played in islice(play(plan.state, plan.data, plan.how), rounds)]
        above = np.array([terms["generator/softmax"] for terms in losses]) - np.log(128)
        bar = at_most("G's loss above log 2n, last tenth", float(above[-rounds // 10 :].mean()), 0.1)
        if not learns:
            yield ablation("G does not learn", bar)
            continue
        yield bar
        yield at_least("least of G's loss - log 2n", float(above.min()), -1e-4)
        yield at_least(
            "least of D's loss - log n", float(min(t["discriminator/softmax"] for t in losses) - np.log(64)), -1e-4
        )


def energies(seed: int, rounds: int = 1_500) -> Bars:
    """Fakes of a held G are held off by the margin, reals are not; without D's term for fakes they are not either.

    G has learnt for a while first: what a fresh one makes is far from anything that an autoencoder of digits can copy.
    """
    learnt = trained("digits", rounds=500, recipe="ebgan", seed=seed, options={"network": "shuffle", "lr": 1e-3})
    for margin, held in ((0.2, True), (1e-9, False)):
        options = {"network": "shuffle", "lr": 1e-12, "lr_d": 1e-3, "margin": margin}
        plan = workflows.plan("digits", rounds=rounds, recipe="ebgan", seed=seed, options=options, out="never-written")
        game = plan.state.game
        game.networks.G.load_state_dict(learnt.state.game.networks.G.state_dict())
        deque(islice(play(plan.state, plan.data, plan.how), rounds), maxlen=0)
        with torch.no_grad():
            z = game.noise(500, torch.Generator().manual_seed(seed), None)
            on_fake = -game.critic(game.networks, {"x": game.networks.G(z)}).mean().item()
            on_real = -game.critic(game.networks, to_model(plan.data.schema, plan.data.held_out(500))).mean().item()
        bar = at_least("energy of fakes over the margin of 0.2, G held", on_fake / 0.2, 0.95)
        if held:
            yield bar
            yield at_most("energy of held-out reals over that of fakes", on_real / on_fake, 0.5)
        else:
            yield ablation("no margin", bar)


def balance(seed: int, rounds: int = 8_000) -> Bars:
    """K stays in [0, 1], and the error on fakes tends to γ times that on reals; with k held at 0 it does not."""
    for rate, moves in ((1e-3, True), (1e-12, False)):
        options = {"rate_k": rate, "lr": 2e-4}
        plan = workflows.plan("digits", recipe="began", rounds=rounds, seed=seed, options=options, out="never-written")
        ks, terms = [], []
        for played_round in islice(play(plan.state, plan.data, plan.how), rounds):
            ks.append(plan.state.game.networks.K.k.item())
            terms.append((played_round.terms["generator/fake"], played_round.terms["discriminator/real"]))
        fake, real = np.array(terms[-rounds // 4 :]).mean(0)
        bar = within("error on fakes over that on reals, last quarter", float(fake / real), 0.5, 0.05)
        if moves:
            yield bar
            yield within("k, least and largest", float(min(ks) if min(ks) < 0 else max(ks)), 0.5, 0.5)
        else:
            yield ablation("k does not move", bar)


@cache
def on_digits(recipe: str, seed: int) -> tuple[workflows.Plan, Score]:
    """A recipe after its processor time on digits, and what the referee says of 10,000 samples."""
    plan = trained("digits", cpu_seconds=DIGIT_SECONDS, recipe=recipe, seed=seed)
    return plan, score(samples(plan, 10_000))


def digits(recipe: str, seed: int, *, classes: bool = True) -> Bars:
    """No copies, and ten classes where the bar asks for them; FD and the rest are printed beside the floor."""
    plan, result = on_digits(recipe, seed)
    if classes:
        yield at_least("digits: smallest class", result.smallest_class, 0.03)
    yield at_most("digits: copies", result.copies, 0)
    yield at_least("digits: nearest neighbour ratio", result.nearest, 0.8)
    yield Bar(f"digits, {DIGIT_SECONDS:g} s of one processor", f"{plan.state.round} rounds, {result}", "reported", True)


def replay(seed: int) -> Bars:
    """Training digits handed back as samples must be noticed as copies."""
    result = score(np.moveaxis(np.asarray(sparring.data.open("digits").train["x"]), 1, 3))
    yield ablation("training digits replayed", at_most("digits: copies", result.copies, 0))
    yield ablation("training digits replayed", at_least("digits: nearest neighbour ratio", result.nearest, 0.8))


def no_dropout(seed: int) -> Bars:
    """Without dropout in D the rarest digits nearly vanish."""
    plan = trained("digits", cpu_seconds=DIGIT_SECONDS, recipe="gan", seed=seed, options={"dropout": 0.0})
    shares = score(samples(plan, 10_000)).smallest_class
    yield ablation("no dropout", at_least("digits: smallest class", shares, 0.03))


def frozen_discriminator(recipe: str, seed: int) -> Bars:
    """G against a D that never learns must not hold ten classes."""
    plan = trained("digits", rounds=500, recipe=recipe, seed=seed, options={"lr_d": 1e-12})
    shares = score(samples(plan, 10_000)).smallest_class
    yield ablation("D does not learn", at_least("digits: smallest class", shares, 0.03))


def gaussian(saturating: bool, seed: int, lr: float = 2e-3) -> Bars:
    """A linear G finds the mean and covariance of the 2-D Gaussian, and D's loss tends to 2 log 2."""
    torch.manual_seed(seed)
    game = sparring.duel(
        MLPGenerator(2, (2,), depth=0),
        MLPDiscriminator((2,), width=32, depth=2),
        "minimax" if saturating else "non-saturating",
        latent=2,
        optimizer=(OptimizerConfig(lr), OptimizerConfig(2e-3)),
    )
    plan = trained("gaussian", rounds=6_000, game=game, seed=seed)
    made, real = samples(plan, 10_000), plan.data.held_out(2_000)["x"].numpy()
    covariance = np.abs(np.cov(made.T) - np.cov(real.T)).max() / np.abs(np.cov(real.T)).max()
    form = "saturating" if saturating else "non-saturating"
    yield at_most(f"gaussian, {form}: mean off by", float(np.abs(made.mean(0) - real.mean(0)).max()), 0.15)
    yield at_most(f"gaussian, {form}: covariance off by", float(covariance), 0.15)
    net, batch = plan.state.game.networks, to_model(plan.data.schema, plan.data.held_out(2_000))
    with torch.no_grad():
        fake = net.G(torch.randn(2_000, 2, generator=torch.Generator().manual_seed(seed)))
        loss = sum(minimax.discriminator(net.D(batch["x"]), net.D(fake)).values())
    yield within(f"gaussian, {form}: D's loss", float(loss), float(2 * np.log(2)), 0.1)


def vanishing(seed: int) -> Bars:
    """With D nearly sure, the saturating gradient is a tenth of the non-saturating one at most."""
    torch.manual_seed(seed)
    G = MLPGenerator(8, (2,), width=64, depth=2)
    for steps, sure in ((1_500, True), (0, False)):
        adversary = sparring.Adversary(MLPDiscriminator((2,), 64, 2), "minimax", optimizer=OptimizerConfig(1e-3))
        data = sparring.data.open("ring")
        for step in range(steps):
            real = to_model(data.schema, data.batch(step, 128, seed))["x"]
            with torch.no_grad():
                fake = G(torch.randn(128, 8))
            adversary.learn(real, fake)
        logits = adversary.discriminator(G(torch.randn(1_000, 8)))
        on_real = adversary.discriminator(to_model(data.schema, data.held_out(1_000))["x"])
        right = (torch.cat([on_real > 0, logits < 0]).float().mean()).item()
        lengths = []
        for objective in (minimax, non_saturating):
            gradient = torch.autograd.grad(
                objective.generator(logits, logits)["fake"], list(G.parameters()), retain_graph=True
            )
            lengths.append(torch.cat([g.flatten() for g in gradient]).norm().item())
        bar = at_most("length of the saturating gradient over the non-saturating one's", lengths[0] / lengths[1], 0.1)
        if sure:
            yield at_least("D's accuracy where the gradients are compared", right, 0.99)
            yield bar
        else:
            yield ablation("D untrained", bar)


def dcgan(seed: int) -> Bars:
    """Half the MLP GAN's FD after as many images (at equal time it is reported); D's features tell digits apart."""
    (_, timed), (plan, ours) = on_digits("gan", seed), on_digits("dcgan", seed)
    theirs = score(samples(trained("digits", rounds=plan.state.round, recipe="gan", seed=seed), 10_000))
    yield beside(at_most("FD over the MLP GAN's after as many images", ours.fd / theirs.fd, 0.5), theirs.fd)
    yield Bar("FD over the MLP GAN's at equal time", f"{ours.fd / timed.fd:.3g}", "reported", True)
    accuracy = probe(plan.state.game.networks.D)
    yield at_least("linear probe on D's features", accuracy, 0.95)
    # random filters alone read digits well, so the bar above says little: training must take errors away
    untrained = probe(workflows.plan("digits", recipe="dcgan", seed=seed, out="never-written").state.game.networks.D)
    yield at_most(
        f"the probe's errors over those on an untrained D ({untrained:.3g})", (1 - accuracy) / (1 - untrained), 0.8
    )


@torch.no_grad()
def probe(D: Any) -> float:
    """Accuracy on held-out digits of a ridge regression from D's features to the labels."""
    data = sparring.data.open("digits")
    D.eval()
    parts = []
    for pictures, labels in ((data.train["x"], data.train["y"]), (data.kept["x"], data.kept["y"])):
        x = data.schema["x"].to_model(torch.from_numpy(np.ascontiguousarray(pictures)))
        features = torch.cat([D.features(part) for part in x.split(500)])
        parts.append((features, torch.from_numpy(np.asarray(labels))))
    (x, y), (x_held, y_held) = parts
    mean, deviation = x.mean(0), x.std(0) + 1e-6
    x, x_held = ((each - mean) / deviation for each in (x, x_held))
    x, x_held = (torch.cat([each, torch.ones(len(each), 1)], 1).double() for each in (x, x_held))
    target = torch.nn.functional.one_hot(y, 10).double()
    weights = torch.linalg.solve(x.T @ x + 100.0 * torch.eye(x.shape[1]), x.T @ target)
    return (x_held @ weights).argmax(1).eq(y_held).float().mean().item()


def by_class(seed: int, recipe: str = "cgan", needed: float = 0.95, *, permuted: bool = False) -> Bars:
    """Samples are read as the class that was asked for, and vary within it as reals do.

    The ablation permutes the labels of the training data: then nothing tells G what a label means.
    """
    data = sparring.data.open("digits")
    assert isinstance(data, sparring.data.Dataset)
    if permuted:
        labels = np.random.default_rng(seed).permutation(data.train["y"])
        data = replace(data, train={**data.train, "y": labels}, fingerprint="permuted")
    plan = trained(data, rounds=CLASS_ROUNDS, recipe=recipe, seed=seed)
    made = samples(plan, 10_000, {"y": torch.arange(10_000) % 10})
    agreed, varied = obedience(made, np.arange(10_000) % 10)
    read = at_least("share read as the class that was asked for", agreed, needed)
    if permuted:
        yield ablation("permuted labels", read)
        yield within("ablation, permuted labels: share read as the class", agreed, 0.1, 0.03)
        return
    yield read
    yield at_least("smallest within-class variance over that of reals", varied, 0.6)


@cache
def class_distance_of(recipe: str, seed: int) -> float:
    """FD by class after the recipe's processor time on digits."""
    plan = trained("digits", cpu_seconds=DIGIT_SECONDS, recipe=recipe, seed=seed)
    asked = np.arange(10_000) % 10
    return class_distance(samples(plan, 10_000, {"y": torch.from_numpy(asked)}), asked)


def nearer_by_class(seed: int) -> Bars:
    """Projection is nearer to the data, class by class, than cgan in equal processor time."""
    ours, theirs = class_distance_of("projection", seed), class_distance_of("cgan", seed)
    yield beside(at_most("FD by class over cgan's at equal time", ours / theirs, 1.0), theirs)


def semi_supervised(seed: int, rounds: int = 2_000) -> Bars:
    """A hundred labels and the other digits without theirs beat the same network on the hundred alone by 4 points.

    The ablation is that network beside itself from other weights.
    """
    plan = trained("digits", rounds=rounds, recipe="sgan", seed=seed, options={"labelled": 100})
    net = plan.state.game.networks
    alone = [accuracy_of(on_the_labels_alone(net.L, which, rounds)) for which in (seed, seed + 1_000)]
    gain = "points of accuracy gained over the same network on the 100 labels alone"
    yield beside(at_least(gain, 100 * (accuracy_of(net.D) - alone[0]), 4), alone[0])
    yield ablation("no more examples", at_least(gain, 100 * (alone[1] - alone[0]), 4))


def on_the_labels_alone(labelled: Any, seed: int, rounds: int) -> Any:
    """The D of sgan, trained on its labelled examples and on nothing else."""
    game = workflows.plan("digits", recipe="sgan", seed=seed, out="never-written").state.game
    D, player = game.networks.D, next(player for player in game.players if player.name == "discriminator")
    optimizer, rng = player.optimizer.build(list(D.parameters())), torch.Generator().manual_seed(seed)
    for _ in range(rounds):
        x, y = labelled.draw(64, rng)
        loss = torch.nn.functional.cross_entropy(D.head(D.features(x)), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return D


@torch.no_grad()
def accuracy_of(D: Any) -> float:
    """The share of held-out digits that D's largest logit names rightly."""
    data = sparring.data.open("digits")
    batch = to_model(data.schema, data.held_out())
    named = torch.cat([D.eval().head(D.features(part)) for part in batch["x"].split(500)]).argmax(1)
    return named.eq(batch["y"]).float().mean().item()


def least_squares_pull(seed: int) -> Bars:
    """A fake far on the real side is still pulled, where the cross-entropy has let go."""
    fake = torch.full((1,), 8.0, requires_grad=True)
    for objective, lets_go in ((least_squares, False), (non_saturating, True)):
        (gradient,) = torch.autograd.grad(objective.generator(fake, fake)["fake"].sum(), fake)
        bar = at_least("gradient at a logit of 8", gradient.abs().item(), 0.1)
        yield ablation("cross-entropy", bar) if lets_go else bar


def clipped(seed: int) -> Bars:
    """Every critic weight within [-c, c] after every step; the estimate grows with the distance of two lines."""
    largest: list[float] = []
    plan = spied("wgan", seed, 200, largest)
    limit = plan.config.options["clip"]
    yield at_most("largest critic weight over 200 rounds, over c", max(largest) / limit, 1.0 + 1e-6)
    unclipped: list[float] = []
    spied("wgan", seed, 20, unclipped, clip=1e9)
    yield ablation("no clip", at_most("largest critic weight, over c", max(unclipped) / limit, 1.0 + 1e-6))
    shifts = np.linspace(0.125, 1.0, 8)  # the range of the paper's figure 1
    for objective, saturates in (("wasserstein", False), ("minimax", True)):
        estimates = [line_estimate(objective, float(shift), seed) for shift in shifts]
        bar = at_least(
            "R2 of the estimate against the shift of two lines", r_squared(shifts, np.array(estimates)), 0.98
        )
        yield ablation("a JS discriminator", bar) if saturates else bar


def spied(recipe: str, seed: int, rounds: int, largest: list[float], **options: Any) -> workflows.Plan:
    """Play, and note the largest critic weight after each of its steps."""
    plan = workflows.plan("digits", recipe=recipe, seed=seed, rounds=rounds, options=options, out="never-written")
    critic, generator = plan.state.game.players

    def spy(net: Any) -> None:
        critic.after(net)
        largest.append(max(p.abs().max().item() for p in net.D.parameters()))

    plan.state.game = replace(plan.state.game, players=(replace(critic, after=spy), generator))
    deque(islice(play(plan.state, plan.data, plan.how), rounds), maxlen=0)
    return plan


def line_estimate(objective: str, shift: float, seed: int) -> float:
    """What a converged critic makes of two parallel lines, `shift` apart: its objective's estimate of the distance."""
    torch.manual_seed(seed)
    rng = torch.Generator().manual_seed(seed)
    wasserstein = objective == "wasserstein"
    D = MLPDiscriminator((2,), width=32, depth=2)
    kind = OptimizerConfig(5e-4, "rmsprop", (0.0, 0.99)) if wasserstein else OptimizerConfig(1e-3)
    adversary = sparring.Adversary(D, objective, optimizer=kind)
    lines = [torch.cat([torch.full((256, 1), x), torch.rand(256, 1, generator=rng)], 1) for x in (0.0, shift)]
    terms: dict[str, float] = {}
    for _ in range(1_500):
        terms = adversary.learn(*lines)
        if wasserstein:
            sparring.clip_weights(D, 0.1)
    value = -sum(terms.values())
    return value if wasserstein else value / 2 + float(np.log(2))  # the JS divergence: at most log 2


def r_squared(x: np.ndarray, y: np.ndarray) -> float:
    return float(np.corrcoef(x, y)[0, 1] ** 2)


def lipschitz(seed: int) -> Bars:
    """The critic's gradient between reals and fakes is 1, and its estimate follows the exact W1."""
    for weight in (10.0, 0.0):
        exact, estimated, norms = [], [], []
        for k, spread in enumerate(np.linspace(0.2, 2.0, 8).tolist()):
            rng = torch.Generator().manual_seed(100 * seed + k)
            torch.manual_seed(seed)
            real = torch.randn(512, 2, generator=rng) * 0.5
            fake = torch.randn(512, 2, generator=rng) * 0.5 * (0.5 + spread) + torch.tensor([spread, -spread / 2])
            adversary = sparring.Adversary(
                MLPDiscriminator((2,), 64, 3),
                "wasserstein",
                gradient_penalty(weight),
                optimizer=OptimizerConfig(1e-3, betas=(0.5, 0.9)),
            )
            terms: dict[str, float] = {}
            for _ in range(800):
                terms = adversary.learn(real, fake)
            exact.append(metrics.wasserstein(real, fake))
            estimated.append(-terms["real"] - terms["fake"])
            mixed = torch.lerp(fake, real, torch.rand(512, 1, generator=rng))
            norms.append(squared_gradient_norms(adversary.discriminator, mixed).sqrt().mean().item())
        bars = (
            within("gradient norm between reals and fakes", float(np.mean(norms)), 1.0, 0.1),
            at_least("correlation of the estimate with the exact W1", float(np.corrcoef(exact, estimated)[0, 1]), 0.95),
        )
        if weight:
            yield from bars
        else:
            yield ablation("no penalty", bars[0])


def spectra(seed: int) -> Bars:
    """Every layer of the trained critic has largest singular value 1, by SVD; without spectral norm, not."""
    for recipe in ("sngan", "dcgan"):
        plan = trained("digits", rounds=200, recipe=recipe, seed=seed)
        D = plan.state.game.networks.D.eval()
        layers = [m for m in D.modules() if isinstance(m, nn.Conv2d | nn.Linear)]
        largest = [torch.linalg.svdvals(layer.weight.detach().flatten(1))[0].item() for layer in layers]
        worst = max(largest, key=lambda s: abs(s - 1))
        bar = within("largest singular value furthest from 1", worst, 1.0, 0.05)
        yield bar if recipe == "sngan" else ablation("no spectral norm", bar)


def constants(seed: int) -> Bars:
    """A constant added to D changes neither side's loss; for the cross-entropy it does."""
    rng = torch.Generator().manual_seed(seed)
    real, fake = (torch.randn(64, generator=rng) for _ in range(2))
    for objective, moves in ((relativistic_average, False), (non_saturating, True)):
        moved = max(
            abs(total(side(real + 3, fake + 3)) - total(side(real, fake)))
            for side in (objective.discriminator, objective.generator)
        )
        bar = at_most("loss moved by a constant of 3 in D", moved, 1e-5)
        yield ablation("cross-entropy", bar) if moves else bar


def total(terms: dict[str, Tensor]) -> float:
    return sum(term.item() for term in terms.values())


def stacked(seed: int) -> Bars:
    """Three random digits as RGB, 1,000 modes: relativistic pairing finds more than the cross-entropy does."""
    ours, theirs = (played("stacked", name, seed).found for name in ("r3gan", "gan + R1 + R2"))
    name = "stacked digits: modes of 1,000, over those of GAN + R1 + R2"
    yield Bar(name, f"{ours} / {theirs}", "> 1", ours > theirs)


BARS: dict[str, dict[str, Callable[[int], Bars]]] = {
    "projection": {
        "classes": lambda seed: by_class(seed, "projection", 0.97),
        "permuted": lambda seed: by_class(seed, "projection", 0.97, permuted=True),
        "against-cgan": nearer_by_class,
    },
    "acgan": {
        "classes": lambda seed: by_class(seed, "acgan", 0.97),
        "permuted": lambda seed: by_class(seed, "acgan", 0.97, permuted=True),
    },
    "sgan": {"labels": semi_supervised, "digits": lambda seed: digits("sgan", seed, classes=False)},
    "cgan": {"classes": by_class, "permuted": lambda seed: by_class(seed, permuted=True)},
    "default": {"digits": lambda seed: digits("default", seed), "replay": replay},
    "gan": {
        "gaussian": lambda seed: gaussian(False, seed),
        "saturating": lambda seed: gaussian(True, seed),
        "frozen-g": lambda seed: (ablation("G does not learn", bar) for bar in gaussian(False, seed, lr=1e-12)),
        "digits": lambda seed: digits("gan", seed),
        "no-dropout": no_dropout,
        "frozen-d": lambda seed: frozen_discriminator("gan", seed),
        "vanishing": vanishing,
        "points": no_match,
    },
    "dcgan": {"digits": lambda seed: digits("dcgan", seed, classes=False), "against-gan": dcgan},
    "lsgan": {
        "digits": lambda seed: digits("lsgan", seed),
        "frozen-d": lambda seed: frozen_discriminator("lsgan", seed),
        "pull": least_squares_pull,
    },
    "wgan": {"clipped": clipped, "digits": lambda seed: digits("wgan", seed, classes=False)},
    "wgan-gp": {
        "points": lambda seed: point_modes("wgan-gp", seed),
        "lipschitz": lipschitz,
        "digits": lambda seed: digits("wgan-gp", seed, classes=False),
    },
    "wgan-div": {
        "points": lambda seed: point_modes("wgan-div", seed),
        "no-penalty": lambda seed: unpenalised("wgan-div", seed),
        "digits": lambda seed: digits("wgan-div", seed, classes=False),
    },
    "bgan": {
        "boundary": lambda seed: at_the_boundary("bgan", seed),
        "digits": lambda seed: digits("bgan", seed, classes=False),
    },
    "ebgan": {"margin": energies, "digits": lambda seed: digits("ebgan", seed, classes=False)},
    "began": {"balance": balance, "digits": lambda seed: digits("began", seed, classes=False)},
    "softmax-gan": {"bounds": shared_softmax, "digits": lambda seed: digits("softmax-gan", seed, classes=False)},
    "dragan": {
        "points": lambda seed: point_modes("dragan", seed),
        "digits": lambda seed: digits("dragan", seed, classes=False),
    },
    "sngan": {"spectra": spectra, "digits": lambda seed: digits("sngan", seed, classes=False)},
    "ragan": {"constants": constants, "digits": lambda seed: digits("ragan", seed, classes=False)},
    "r3gan": {
        "points": lambda seed: point_modes("r3gan", seed),
        "stacked": stacked,
        "digits": lambda seed: digits("r3gan", seed, classes=False),
    },
    "aae": {"codes": codes.aae},
    "bigan": {"codes": codes.bigan},
    "clustergan": {"clusters": codes.clustergan},
    "infogan": {"codes": codes.infogan},
    "improved": {"minibatch": variety.minibatch},
    "progressive": {"growing": growing.growing},
    "stylegan2": {"against-default": styles.against_default, "paths": styles.even_paths, "smooth": styles.short_paths},
    "pacgan": {"modes": variety.pacgan},
    "unrolled": {"modes": variety.unrolled},
    **translation.BARS,
}
