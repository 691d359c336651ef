import copy
import errno
import hashlib
import itertools
import json
import os
import pickle
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from sparring import checkpoint, workflows
from sparring.checkpoint import NETWORKS, OPTIMIZERS, STATE, fill, network_tensors, read, read_averages, write
from sparring.errors import UserError
from sparring.game import OptimizerConfig
from sparring.loop import Play, State, play
from sparring.recipes import duel

HOW = Play(seed=0, batch=4, horizon=10)
FILES = [NETWORKS, OPTIMIZERS, STATE]


def read_to_sample(state: State, folder: Path, recipe: str) -> None:
    """Take up the networks alone."""
    for name, tensors in read_averages(folder, recipe, ("D", "G"), ()).items():
        fill(name, state.game.modules()[name], tensors, folder)


READERS = {"read": read, "read_averages": read_to_sample}


class Plain:
    """Examples that are stored as the networks take them."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        self.shape = shape

    def to_model(self, stored: Tensor) -> Tensor:
        return stored


class Rows:
    """Eight fixed examples."""

    def __init__(self, *shape: int) -> None:
        self.schema = {"x": Plain(shape)}
        self.rows = torch.randn(8, *shape, generator=torch.Generator().manual_seed(3))

    def __len__(self) -> int:
        return len(self.rows)

    def batch(self, draw: int, size: int, seed: int) -> dict[str, Tensor]:
        return {"x": self.rows[torch.arange(draw * size, (draw + 1) * size) % len(self.rows)]}


def start(width: int = 4, optimizer: OptimizerConfig = OptimizerConfig(0.01), seed: int = 5) -> State:  # noqa: B008
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        G = nn.Sequential(nn.Linear(3, width), nn.BatchNorm1d(width), nn.ReLU(), nn.Linear(width, 2))
        D = nn.Sequential(nn.Linear(2, width), nn.LeakyReLU(0.2), nn.Linear(width, 1))
    return State.start(duel(G, D, latent=3, optimizer=optimizer))


def advance(state: State, rounds: int, data: Rows | None = None) -> State:
    for _ in itertools.islice(play(state, data or Rows(2), HOW), rounds):
        pass
    return state


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def memory(state: State) -> dict[str, object]:
    """All that a state holds, copied."""
    optimizers = {
        f"{player}/{index}/{key}": value.clone()
        for player, optimizer in state.optimizers.items()
        for index, entries in optimizer.state_dict()["state"].items()
        for key, value in entries.items()
    }
    networks = {name: value.clone() for name, value in network_tensors(state).items()}
    return {**networks, **optimizers, "round": state.round, "steps": dict(state.steps)}


def same(a: dict[str, object], b: dict[str, object]) -> bool:
    return a.keys() == b.keys() and all(
        torch.equal(value, b[key]) if isinstance(value, Tensor) else value == b[key] for key, value in a.items()
    )


@pytest.fixture
def saved(tmp_path) -> Path:
    folder = tmp_path / "checkpoints" / "000002"
    write(advance(start(), 2), folder, "gan")
    return folder


def failing_fsync(monkeypatch, at: int, number: int) -> None:
    """Let the fsync number `at` (from 0) and all after it fail."""
    done = itertools.count()
    real = os.fsync

    def fsync(handle: int) -> None:
        if next(done) >= at:
            raise OSError(number, os.strerror(number))
        real(handle)

    monkeypatch.setattr(os, "fsync", fsync)


def failing(number: int):
    def fail(*args: object, **named: object) -> None:
        raise OSError(number, os.strerror(number))

    return fail


def test_what_was_written_is_read(saved):
    state, fresh = advance(start(), 2), start(seed=6)
    assert not same(memory(fresh), memory(state))
    read(fresh, saved, "gan")
    assert same(memory(fresh), memory(state))
    assert fresh.round == 2
    assert sorted(path.name for path in saved.iterdir()) == sorted(FILES)
    assert sorted(path.name for path in saved.parent.iterdir()) == ["000002"]


def test_the_networks_alone_can_be_read(saved):
    state, fresh = advance(start(), 2), start(seed=6)
    read_to_sample(fresh, saved, "gan")
    live = network_tensors(state)
    found = {name: value for name, value in network_tensors(fresh).items() if not name.startswith("average")}
    assert all(torch.equal(value, live[name]) for name, value in found.items())
    averaged = read_averages(saved, "gan", ("G",), ("G",))["G"]
    assert all(torch.equal(value, live[f"average.G.{name}"]) for name, value in averaged.items())
    assert not fresh.optimizers["generator"].state_dict()["state"]


def test_averages_are_saved_beside_the_networks(saved):
    tensors = load_file(saved / NETWORKS)
    assert {"G.0.weight", "average.G.0.weight", "average.G.1.running_mean", "D.0.weight"} <= tensors.keys()
    assert not torch.equal(tensors["G.0.weight"], tensors["average.G.0.weight"])


def test_the_same_game_writes_the_same_bytes(tmp_path):
    for name in "ab":
        write(advance(start(), 3), tmp_path / name, "gan")
    write(advance(start(), 4), tmp_path / "c", "gan")
    assert contents(tmp_path / "a") == contents(tmp_path / "b")
    a, c = contents(tmp_path / "a"), contents(tmp_path / "c")
    assert {name for name in a if a[name] != c[name]} == set(FILES)


def test_an_earlier_checkpoint_of_the_same_name_is_replaced(saved):
    write(advance(start(), 3), saved, "gan")
    fresh = start()
    read(fresh, saved, "gan")
    assert fresh.round == 3


def test_what_an_earlier_crash_left_is_no_obstacle(saved):
    half = saved.with_name(".000003.part")
    half.mkdir()
    (half / "junk").write_text("junk")
    write(advance(start(), 3), saved.with_name("000003"), "gan")
    assert sorted(path.name for path in saved.parent.iterdir()) == ["000002", "000003"]
    assert sorted(path.name for path in saved.with_name("000003").iterdir()) == sorted(FILES)


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
@pytest.mark.parametrize("at", [0, 1, 2])
def test_a_full_disk_leaves_nothing_behind_and_the_earlier_checkpoint_whole(saved, monkeypatch, at, number):
    before = contents(saved.parent)
    failing_fsync(monkeypatch, at, number)
    with pytest.raises(UserError, match=r"no space left to write .*000003 .*--resume"):
        write(advance(start(), 3), saved.with_name("000003"), "gan")
    assert contents(saved.parent) == before
    assert [path.name for path in saved.parent.iterdir()] == ["000002"]


@pytest.mark.parametrize("number", [errno.EACCES, errno.EIO])
@pytest.mark.parametrize("at", [0, 2])
def test_a_failing_disk_leaves_nothing_behind_and_the_earlier_checkpoint_whole(saved, monkeypatch, at, number):
    before = contents(saved.parent)
    failing_fsync(monkeypatch, at, number)
    with pytest.raises(UserError, match=f"cannot write .*000003: {os.strerror(number)}"):
        write(advance(start(), 3), saved.with_name("000003"), "gan")
    assert contents(saved.parent) == before
    assert [path.name for path in saved.parent.iterdir()] == ["000002"]


@pytest.mark.parametrize("name", ["000002", "000003"])
@pytest.mark.parametrize("method", ["rename", "mkdir"])
def test_a_folder_that_cannot_be_put_in_place_costs_nothing(saved, monkeypatch, method, name):
    before = contents(saved.parent)
    monkeypatch.setattr(Path, method, failing(errno.EACCES))
    with pytest.raises(UserError, match="cannot write"):
        write(advance(start(), 3), saved.with_name(name), "gan")
    assert contents(saved.parent) == before
    assert [path.name for path in saved.parent.iterdir()] == ["000002"]


def test_nothing_is_in_place_before_all_of_it_is_synced(saved, monkeypatch):
    seen = []
    real = os.fsync

    def fsync(handle: int) -> None:
        seen.append(saved.with_name("000003").exists())
        real(handle)

    monkeypatch.setattr(os, "fsync", fsync)
    write(advance(start(), 3), saved.with_name("000003"), "gan")
    assert seen == [False, False, False, True]  # three files, then the folder that names them


def refused(folder: Path, reader: str, said: str, state: State | None = None, recipe: str = "gan") -> None:
    state = state or advance(start(), 1)
    before = memory(state)
    with pytest.raises(UserError, match=said) as caught:
        READERS[reader](state, folder, recipe)
    assert caught.value.hint
    assert same(memory(state), before)


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("place", [0, 9, 0.5, -1])
def test_one_altered_byte_of_the_networks_is_noticed(saved, reader, place):
    alter(saved / NETWORKS, place)
    refused(saved, reader, "networks.safetensors is truncated or was altered")


@pytest.mark.parametrize("place", [0, 9, 0.5, -1])
def test_one_altered_byte_of_the_optimizers_is_noticed(saved, place):
    alter(saved / OPTIMIZERS, place)
    refused(saved, "read", "state.safetensors is truncated or was altered")


def alter(path: Path, place: float) -> None:
    content = bytearray(path.read_bytes())
    content[int(place * len(content)) if isinstance(place, float) else place] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize("reader", READERS)
def test_an_altered_record_is_noticed(saved, reader):
    record = (saved / STATE).read_text()
    altered = record.replace('"round": 2', '"round": 3')
    assert altered != record
    (saved / STATE).write_text(altered)
    refused(saved, reader, "state.json is missing or damaged")


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize(
    "record",
    [
        "",
        "[]",
        "null",
        "{",
        "{}",
        '{"format": 1, "recipe": "gan", "round": 2, "steps": {}, "sha256": null}',
        '{"format": 1, "recipe": "gan", "round": "2", "steps": 5, "sha256": {}}',
    ],
)
def test_a_damaged_record_is_noticed(saved, reader, record):
    (saved / STATE).write_text(record)
    refused(saved, reader, "is missing or damaged|was altered")


@pytest.mark.parametrize("reader", READERS)
def test_a_record_that_is_not_text_is_noticed(saved, reader):
    (saved / STATE).write_bytes(b"\xff\xfe\x00")
    refused(saved, reader, "state.json is missing or damaged")


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("length", [0, 7, 0.5, -1])
def test_a_truncated_file_is_noticed(saved, name, length):
    content = (saved / name).read_bytes()
    end = int(length * len(content)) if isinstance(length, float) else length
    # the record's last byte is the end of its line: without it, it is still whole
    end -= name == STATE and length == -1
    (saved / name).write_bytes(content[:end])
    refused(saved, "read", f"{name} is ")


@pytest.mark.parametrize("name", FILES)
def test_a_missing_file_is_noticed(saved, name):
    (saved / name).unlink()
    refused(saved, "read", f"{name} is ")


def test_a_missing_checkpoint_is_noticed(saved):
    shutil.rmtree(saved)
    refused(saved, "read", "state.json is missing or damaged")


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("format", [0, 2, None, "1"])
def test_another_format_is_refused(saved, reader, format):
    record = json.loads((saved / STATE).read_text())
    (saved / STATE).write_text(json.dumps({**record, "format": format}))
    refused(saved, reader, f"format {format}, not 1")


@pytest.mark.parametrize("reader", READERS)
def test_another_recipe_is_refused(saved, reader):
    refused(saved, reader, "is a checkpoint of gan, not of wgan", recipe="wgan")


@pytest.mark.parametrize("reader", READERS)
def test_other_shapes_are_refused(saved, reader):
    refused(saved, reader, r"holds other networks .* weight differs|holds other networks", advance(start(width=5), 1))


@pytest.mark.parametrize("reader", READERS)
def test_other_names_are_refused(saved, reader):
    state = start()
    networks = state.game.networks._replace(D=nn.Sequential(*state.game.networks.D, nn.BatchNorm1d(1)))
    refused(saved, reader, "holds other networks .*D.3", State.start(replace(state.game, networks=networks)))


def test_other_players_of_the_same_networks_are_refused(saved):
    game = start().game
    players = (replace(game.players[0], name="critic"), game.players[1])
    refused(saved, "read", "other", State.start(replace(game, players=players)))


def test_another_optimizer_is_refused(saved):
    # Adam's moments would leave RMSProp without its own at the next step
    refused(saved, "read", "other", start(optimizer=OptimizerConfig(0.01, "rmsprop")))


def test_other_trained_parameters_are_refused(saved):
    state = start()
    state.game.networks.G[0].requires_grad_(False)
    refused(saved, "read", "other", State.start(state.game))


def convolutional() -> State:
    """Convolutions whose weights lie channels_last, as every run on pictures has them."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(5)
        D = nn.Sequential(nn.Conv2d(3, 4, 3), nn.LeakyReLU(0.2), nn.Conv2d(4, 5, 3), nn.Flatten(), nn.Linear(80, 1))
        G = nn.Sequential(nn.Linear(2, 192), nn.Unflatten(1, (3, 8, 8)), nn.Conv2d(3, 3, 3, padding=1))
    for network in (G, D):
        network.to(memory_format=torch.channels_last)
    return State.start(duel(G, D, latent=2, optimizer=OptimizerConfig(0.01)))


def test_adams_moments_survive_with_weights_that_lie_channels_last(tmp_path):
    data = Rows(3, 8, 8)
    whole, first, second = convolutional(), convolutional(), convolutional()
    assert not second.game.networks.D[2].weight.is_contiguous()
    advance(whole, 4, data)
    advance(first, 2, data)
    write(first, tmp_path / "2", "custom")
    read(second, tmp_path / "2", "custom")
    for player, optimizer in second.optimizers.items():
        for parameter in second.owned[player]:
            moments = optimizer.state[parameter]
            assert moments["exp_avg"].stride() == moments["exp_avg_sq"].stride() == parameter.stride()
    advance(second, 2, data)
    assert same(memory(second), memory(whole))


def test_moments_that_lie_otherwise_would_spoil_the_resumed_run(tmp_path):
    data = Rows(3, 8, 8)
    whole, second = convolutional(), convolutional()
    advance(whole, 2, data)
    write(whole, tmp_path / "2", "custom")
    advance(whole, 2, data)
    read(second, tmp_path / "2", "custom")
    for optimizer in second.optimizers.values():
        for moments in optimizer.state.values():
            moments["exp_avg"] = moments["exp_avg"].contiguous()
    advance(second, 2, data)
    assert not same(memory(second), memory(whole))


@pytest.mark.parametrize("kind", ["adam", "rmsprop", "sgd"])
def test_every_optimizer_goes_on_exactly(tmp_path, kind):
    optimizer = OptimizerConfig(0.01, kind)
    whole, first, second = (start(optimizer=optimizer) for _ in range(3))
    advance(whole, 5)
    advance(first, 3)
    write(first, tmp_path / "3", "custom")
    read(second, tmp_path / "3", "custom")
    advance(second, 2)
    assert same(memory(second), memory(whole))
    assert not same(memory(first), memory(whole))


def test_a_state_that_was_read_owns_its_memory(saved):
    fresh = start()
    read(fresh, saved, "gan")
    before = contents(saved)
    advance(fresh, 1)
    assert contents(saved) == before


def test_writing_leaves_the_state_alone(tmp_path):
    written, unwritten = advance(start(), 1), advance(start(), 1)
    before = copy.deepcopy(memory(written))
    write(written, tmp_path / "1", "gan")
    assert same(memory(written), before)
    assert same(memory(advance(written, 2)), memory(advance(unwritten, 2)))


def test_nothing_is_pickled(tmp_path, monkeypatch):
    def refuse(*args: object, **named: object) -> None:
        raise AssertionError("pickled")

    data = np.random.default_rng(0).integers(0, 256, (12, 8, 8), dtype=np.uint8)
    for name in ("dump", "dumps", "load", "loads", "Pickler", "Unpickler"):
        monkeypatch.setattr(pickle, name, refuse)
    for name in ("save", "load"):
        monkeypatch.setattr(torch, name, refuse)
    settings = {"recipe": "gan", "out": tmp_path / "run", "options": {"width": 4, "latent_dim": 4, "batch": 4}}
    run = workflows.train(data, rounds=2, **settings)
    workflows.resume(run.path, source=data, rounds=1)
    run.sample(2)
    for path in (path for path in run.path.rglob("*") if path.is_file()):
        content = path.read_bytes()
        if path.suffix == ".safetensors":
            length = int.from_bytes(content[:8], "little")
            header = json.loads(content[8 : 8 + length])
            last = max(entry["data_offsets"][1] for name, entry in header.items() if name != "__metadata__")
            assert 8 + length + last == len(content)
        elif path.suffix == ".png":
            assert content.startswith(b"\x89PNG")
        else:
            assert path.suffix in (".json", ".jsonl", ".toml")
            content.decode()


def test_the_digests_are_of_the_files(saved):
    record = json.loads((saved / STATE).read_text())
    assert record["sha256"] == {
        name: hashlib.sha256((saved / name).read_bytes()).hexdigest() for name in (NETWORKS, OPTIMIZERS)
    }
    assert record["format"] == checkpoint.FORMAT


class Passing(nn.Module):
    """A layer with buffers that no `state_dict` of a fresh one has: replaced, written into, growing, made late."""

    late: Tensor | None

    def __init__(self) -> None:
        super().__init__()
        for name in ("replaced", "written"):
            self.register_buffer(name, torch.ones(()), persistent=False)
        self.register_buffer("grown", torch.ones(0), persistent=False)
        self.register_buffer("late", None)

    def forward(self, x: Tensor) -> Tensor:
        self.replaced = self.replaced * 1.1
        self.written.data.mul_(0.8)
        self.grown = torch.cat([self.grown, torch.ones(1)])
        self.late = torch.ones(x.shape[1]) if self.late is None else self.late * 1.2
        return x * (self.replaced * self.written * len(self.grown)).clone() * self.late


def passing() -> State:
    state = start()
    for network in state.game.networks:
        network.append(Passing())
    return State.start(state.game)


def test_buffers_that_are_not_persistent_or_made_late_are_saved(tmp_path):
    whole, first, second = passing(), passing(), passing()
    advance(whole, 4)
    write(advance(first, 2), tmp_path / "2", "custom")
    read(second, tmp_path / "2", "custom")
    assert same(memory(second), memory(first))
    advance(second, 2)
    assert same(memory(second), memory(whole))
    expected = {"G.4.late", "average.G.4.late", "average.G.4.replaced", "D.3.written", "D.3.grown"}
    assert expected <= memory(whole).keys()


def test_a_buffer_of_a_state_dict_must_have_its_shape(tmp_path):
    def pool(size: int) -> State:
        state = start()
        state.game.networks.G.register_buffer("pool", torch.zeros(size))
        return State.start(state.game)

    write(pool(3), tmp_path / "0", "custom")
    with pytest.raises(UserError, match="pool differs"):
        read(pool(4), tmp_path / "0", "custom")
