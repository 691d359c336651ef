"""Several processes play the game that one plays: the sums, the buffers, and what is refused."""

import json
import math
import os
import subprocess
import sys
from dataclasses import replace
from functools import partial
from itertools import islice
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

import sparring
from sparring import penalties, recipes
from sparring.checkpoint import digest, network_tensors
from sparring.errors import ProcessesError, UserError
from sparring.game import Game, OptimizerConfig, Player, epochs, steps
from sparring.judges import Augmentation, augmented
from sparring.kinds import Pictures, Points, Schema
from sparring.loop import DivergedError, Play, State, play
from sparring.processes import ALONE, Processes, _reaching, join
from sparring.recipes import duel

ROUNDS = 50
SHAPE = (3, 4, 4)
SRC = Path(sparring.__file__).parents[1]


class Rows:
    """Data whose batches follow one another through fixed rows, whatever the seed."""

    def __init__(self, count: int = 50, pictures: bool = False) -> None:
        rng = torch.Generator().manual_seed(9)
        self.rows = torch.randn(count, 2, generator=rng)
        self.schema: Schema = {"x": Points((2,), (0.0,) * 2, (1.0,) * 2)}
        if pictures:
            self.rows = torch.randint(0, 256, (count, *SHAPE), generator=rng, dtype=torch.uint8)
            self.schema = {"x": Pictures(SHAPE)}

    def __len__(self) -> int:
        return len(self.rows)

    def batch(self, draw: int, size: int, seed: int) -> dict[str, Tensor]:
        return {"x": self.rows[torch.arange(draw * size, (draw + 1) * size) % len(self.rows)]}


class Remembering(nn.Module):
    """A pool: it grows with every batch that it has seen."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("seen", None)

    def forward(self, x: Tensor) -> Tensor:
        self.seen = x.detach() if self.seen is None else torch.cat([self.seen, x.detach()])
        return x


def mlp(inputs: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(nn.Linear(inputs, 8), nn.Dropout(0.1), nn.LeakyReLU(0.2), nn.Linear(8, outputs))


def buffered(inputs: int, outputs: int) -> nn.Sequential:
    first = spectral_norm(nn.Linear(inputs, 8))
    return nn.Sequential(first, nn.BatchNorm1d(8), nn.LeakyReLU(0.2), Remembering(), nn.Linear(8, outputs))


def partly_idle() -> Game[Any]:
    """The first part of a batch reaches one layer of D, and the second another; a third none ever."""
    game = duel(mlp(2, 2), nn.ModuleList(nn.Linear(2, 1) for _ in range(3)), latent=2)

    def loss(net, step):
        layer = net.D[int(torch.randint(2, (), generator=step.rng))]
        return {"score": layer(step.batch["x"]).square().mean(), "spread": layer.weight.square().sum()}

    one = Player("discriminator", ("D",), loss, OptimizerConfig(0.01), steps(2))
    return replace(game, players=(one,), critic=lambda net, batch: batch["x"].sum(1))


def adaptive() -> Game[Any]:
    """D is shown pictures augmented, with a strength that goes from 0 to its end in 20 rounds."""
    G, D = nn.Sequential(mlp(2, 48), nn.Unflatten(1, SHAPE)), nn.Sequential(nn.Flatten(), mlp(48, 1))
    return augmented(duel(G, D, "hinge", latent=2), Augmentation("ada", (SHAPE,), 2000))


def games() -> dict[str, Game[Any]]:
    together = penalties.together(penalties.r1(0.1), penalties.r2(0.1))
    default, schema = recipes.get("default"), Rows().schema
    return {
        "default": default.build(recipes.resolve(default, {"width": 8}, schema), schema),
        "r1 and r2": duel(mlp(2, 2), mlp(2, 1), "relativistic-pairing", together, latent=2),
        "gradient penalty": duel(mlp(2, 2), mlp(2, 1), "wasserstein", penalties.gradient_penalty(), latent=2, turn=3),
        "epochs": duel(mlp(2, 2), mlp(2, 1), latent=2, turn=epochs(1)),
        "idle parameters": partly_idle(),
        "ada": adaptive(),
        "buffers": duel(buffered(2, 2), buffered(2, 1), latent=2),
    }


def begun(name: str) -> State:
    torch.manual_seed(3)
    return State.start(games()[name])


def played(name: str, parts: int, rounds: int = ROUNDS) -> tuple[State, dict[str, float], Processes]:
    state, processes = begun(name), join()
    how = Play(seed=0, batch=4, horizon=100, accumulate=parts, processes=processes)
    if not processes.leads:
        for parameter in state.game.networks.D.parameters():
            parameter.data += 1  # what the first process holds is what counts
    *_, last = islice(play(state, Rows(pictures=name == "ada"), how), rounds)
    return state, last.terms, processes


def write(folder: Path, name: str, parts: int, rounds: int = ROUNDS) -> None:
    state, terms, processes = played(name, parts, rounds)
    stem = f"{name if rounds == ROUNDS else rounds} {parts} {processes.size} {processes.rank}"
    save_file({key: tensor.clone() for key, tensor in network_tensors(state).items()}, folder / f"{stem}.safetensors")
    (folder / f"{stem}.json").write_text(json.dumps({"terms": terms, "digest": digest(state)}))


def sicken(folder: Path, what: str) -> None:
    """One process alone meets a NaN, in a term or in its gradient."""
    state, processes = begun("r1 and r2"), join()
    player = state.game.players[0]

    def loss(net, step):
        score = net.D(step.batch["x"]).mean()
        if step.round == 2 and not processes.leads:
            return {"fine": score, "sick": score * math.nan if what == "term" else (score * 0).square().sqrt()}
        return {"fine": score, "sick": score}

    state.game = replace(state.game, players=(replace(player, loss=loss),))
    rounds = play(state, Rows(), Play(seed=0, batch=4, horizon=9, accumulate=2, processes=processes))
    list(islice(rounds, 2))
    before = digest(state)
    try:
        next(rounds)
    except DivergedError as error:
        found = {"term": error.term, "round": error.round, "untouched": digest(state) == before}
        (folder / f"{what} {processes.rank}.json").write_text(json.dumps(found))


def settle(folder: Path) -> None:
    """Buffers of every sort that differ between three processes, and what is made of them."""
    processes = join()
    network = nn.Sequential(nn.BatchNorm1d(2), Remembering(), nn.BatchNorm1d(2), spectral_norm(nn.Linear(2, 2)))
    network[0].running_mean.fill_(float(processes.rank))
    network[0].num_batches_tracked.fill_(5 + processes.rank)
    network[2].running_mean.fill_(1 / 3)
    network[3].parametrizations.weight[0]._u.copy_(torch.tensor([1.0, processes.rank]))
    network(torch.full((2 + processes.rank, 2), 0.5)) if processes.rank != 1 else None
    network[0].running_mean.fill_(float(processes.rank))
    network[2].running_mean.fill_(1 / 3)
    processes.settle([network], ("running_mean",))
    save_file(dict(network.named_buffers()), folder / f"settled {processes.rank}.safetensors")


def drive(folder: Path) -> None:
    """The driver: each case in one process and in several, all of them forks."""
    from ranks import together

    torch.set_num_threads(1)
    begun("buffers").optimizers["generator"].step()  # what is imported late is imported now
    codes: dict[str, Any] = {}
    for name in games():
        for parts, size in ((2, 1), (2, 2), (3, 1), (3, 2)):
            codes[f"{name} {parts} {size}"] = together(size, folder / "meeting", partial(write, folder, name, parts))
    codes["statistics"] = together(2, folder / "meeting", partial(write, folder, "buffers", 2, rounds=1))
    codes["settle"] = together(3, folder / "meeting", partial(settle, folder))
    for what in ("term", "gradient"):
        codes[what] = together(2, folder / "meeting", partial(sicken, folder, what))
    (folder / "codes.json").write_text(json.dumps(codes))


@pytest.fixture(scope="module")
def driven(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("processes")
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(SRC)}
    done = subprocess.run(
        [sys.executable, __file__, str(folder)], env=environment, capture_output=True, text=True, timeout=240
    )
    assert done.returncode == 0, done.stderr
    codes = json.loads((folder / "codes.json").read_text())
    assert {code for each in codes.values() for code in each} == {0}, (codes, done.stderr)
    return folder


def said(folder: Path, name: str) -> dict[str, Any]:
    return json.loads((folder / f"{name}.json").read_text())


@pytest.mark.parametrize("parts", [2, 3])
@pytest.mark.parametrize("name", [name for name in games() if name != "buffers"])
def test_several_processes_play_the_game_that_one_plays(driven, name, parts):
    one, two = (load_file(driven / f"{name} {parts} {size} 0.safetensors") for size in (1, 2))
    start = network_tensors(begun(name))
    assert any((one[key] - start[key]).abs().max() > 1e-3 for key in start)
    for key in one:
        assert (one[key] - two[key]).abs().max() <= 1e-5, key
    alone, shared = (said(driven, f"{name} {parts} {size} 0")["terms"] for size in (1, 2))
    assert alone == pytest.approx(shared, abs=1e-5)
    assert list(alone) == list(shared)


@pytest.mark.parametrize("name", games())
def test_all_processes_hold_the_same_bits_whatever_their_shares(driven, name):
    for parts in (2, 3):
        first, second = (said(driven, f"{name} {parts} 2 {rank}") for rank in (0, 1))
        assert first == second


def test_a_parameter_that_no_process_reaches_stays_where_it_was(driven):
    two, start = load_file(driven / "idle parameters 2 2 0.safetensors"), network_tensors(begun("idle parameters"))
    assert torch.equal(two["D.2.weight"], start["D.2.weight"])
    assert not torch.equal(two["D.1.weight"], start["D.1.weight"])


def test_batch_statistics_are_means_over_the_processes_and_all_other_buffers_those_of_the_first(driven):
    found = [load_file(driven / f"settled {rank}.safetensors") for rank in range(3)]
    for name in found[0]:
        assert all(torch.equal(found[0][name], other[name]) for other in found[1:]), name
    first = found[0]
    assert first["0.running_mean"].tolist() == [1.0, 1.0]
    assert first["0.num_batches_tracked"] == 6  # of 6, 6 and 8
    assert first["1.seen"].shape == (2, 2)  # none in the second process, three rows in the third
    assert torch.equal(
        first["2.running_mean"], torch.full((2,), 1 / 3)
    )  # what is the same everywhere stays, to the bit
    assert first["3.parametrizations.weight.0._u"].shape == (2,)


def test_a_round_ends_with_the_mean_of_what_each_process_has_seen(driven):
    means = []
    for rank in (0, 1):
        alone: Any = SimpleNamespace(
            share=lambda parts, rank=rank: [rank],
            total=lambda parameters, parts, count: parts,
            settle=lambda *networks: None,
            spread=lambda tensors: list(tensors),
        )
        state = begun("buffers")
        next(play(state, Rows(), Play(seed=0, batch=4, horizon=100, accumulate=2, processes=alone)))
        means.append(state.game.networks.D[1].running_mean)
    found = load_file(driven / "1 2 2 0.safetensors")["D.1.running_mean"]
    assert (means[0] - means[1]).abs().max() > 1e-3
    assert torch.allclose(found, (means[0] + means[1]) / 2, atol=1e-6)


@pytest.mark.parametrize(("what", "term"), [("term", "discriminator/sick"), ("gradient", "discriminator/gradient")])
def test_what_is_not_finite_in_one_process_ends_the_game_in_all_and_touches_nothing(driven, what, term):
    for rank in (0, 1):
        assert said(driven, f"{what} {rank}") == {"term": term, "round": 2, "untouched": True}


def test_one_process_sums_and_tells_nothing(monkeypatch):
    monkeypatch.delenv("RANK", raising=False)
    assert join() == ALONE
    assert ALONE.leads
    assert list(ALONE.share(3)) == [0, 1, 2]
    parts = [{"a": torch.ones(())}]
    assert ALONE.total([], parts, 1) is parts
    assert ALONE.exchange(7) == [7]
    assert ALONE.gather("word") == ["word"]


def test_a_number_of_processes_without_a_place_to_meet_is_not_ours(monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "4")
    assert join() == ALONE


def test_processes_share_no_mps():
    assert Processes(1, 2).device(torch.device("cpu")).type == "cpu"
    with pytest.raises(UserError, match="several processes cannot share mps"):
        Processes(1, 2).device(torch.device("mps"))


def test_what_torch_says_of_a_lost_process_is_one_short_line():
    text = "[/pytorch/gloo/pair.cc:534] Connection closed by peer [127.0.0.1]:53. This is typically\nmore"
    with pytest.raises(ProcessesError, match=r"gone: Connection closed by peer \[127\.0\.0\.1\]:53$"), _reaching():
        raise RuntimeError(text)


if __name__ == "__main__":
    drive(Path(sys.argv[1]))
