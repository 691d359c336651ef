"""Saving a game under way and taking it up again, exactly.

A checkpoint is a folder: `networks.safetensors` (all networks and their averages), `state.safetensors` (the
optimizers), `state.json` (counters, the recipe, and the digests of the other two). It is written under a temporary
name, synced and renamed, so that it is there whole or not at all. Nothing is unpickled, and nothing in it depends on
the clock: the same run writes the same bytes.
"""

import hashlib
import json
import os
import shutil
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save
from torch import Tensor, nn

from sparring.errors import UserError, writing
from sparring.loop import State, put_buffer

FORMAT = 1
MOMENTS: dict[type, set[str]] = {
    torch.optim.Adam: {"step", "exp_avg", "exp_avg_sq"},
    torch.optim.RMSprop: {"step", "square_avg"},
    torch.optim.SGD: set(),
}
"""What each optimizer of `OptimizerConfig` remembers of a parameter."""

NETWORKS, OPTIMIZERS, STATE = "networks.safetensors", "state.safetensors", "state.json"
AVERAGE = "average."


def write(state: State, folder: Path, recipe: str) -> None:
    """Write a checkpoint; if it cannot be written whole, nothing is left behind.

    Args:
        state: between two rounds.
        folder: where; an earlier one of that name is replaced.
        recipe: what it is a checkpoint of.

    Raises:
        UserError: the disk is full, or the folder cannot be written to.
    """
    temporary, aside = (folder.with_name(f".{folder.name}.{ending}") for ending in ("part", "old"))
    shutil.rmtree(temporary, ignore_errors=True)
    try:
        with writing(folder):
            temporary.mkdir(parents=True)
            digests = {
                name: _write_synced(temporary / name, save(_portable(tensors)))
                for name, tensors in ((NETWORKS, network_tensors(state)), (OPTIMIZERS, _optimizer_tensors(state)))
            }
            record = {"format": FORMAT, "recipe": recipe, "round": state.round, "steps": state.steps, "sha256": digests}
            _write_synced(temporary / STATE, (json.dumps(record | {"self": _digest(record)}, indent=1) + "\n").encode())
            if folder.exists():
                folder.rename(aside)
            temporary.rename(folder)
            _sync(folder.parent)
            shutil.rmtree(aside, ignore_errors=True)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
        if aside.exists() and not folder.exists():
            aside.rename(folder)


def read(state: State, folder: Path, recipe: str) -> None:
    """Take up a checkpoint, in place.

    Args:
        state: a started game of the same recipe and config.
        folder: the checkpoint.
        recipe: what it should be a checkpoint of.

    Raises:
        UserError: it is truncated, altered, of another recipe or of other networks; the state is then unchanged.
    """
    record = _record(folder, recipe)
    networks, optimizers = (_load(folder, name, record) for name in (NETWORKS, OPTIMIZERS))
    whole = _whole(state)
    wrong = _differing(whole, networks)
    if wrong:
        raise _other_networks(folder, min(wrong))
    if record["steps"].keys() != state.steps.keys():
        raise UserError(f"{folder} holds other players than the game has", "resume it with its own game")
    moments = _moments(state, optimizers, folder)
    _fill(whole, networks)
    _read_optimizers(state, moments)
    state.round, state.steps = record["round"], dict(record["steps"])


def read_averages(
    folder: Path, recipe: str, names: Iterable[str], averaged: Iterable[str]
) -> dict[str, dict[str, Tensor]]:
    """The tensors of some networks, of their averages where there are some: enough to sample from.

    Args:
        folder: the checkpoint.
        recipe: what it should be a checkpoint of.
        names: of the networks.
        averaged: those of which averages are kept.

    Returns:
        `{network: {name: tensor}}`.

    Raises:
        UserError: it is truncated, altered, or of another recipe.
    """
    _verify(folder, NETWORKS, _record(folder, recipe))
    found: dict[str, dict[str, Tensor]] = {}
    with safe_open(folder / NETWORKS, "pt") as file:
        for name in names:
            prefix = f"{AVERAGE}{name}." if name in averaged else f"{name}."
            keys: list[str] = list(file.keys())
            found[name] = {key.removeprefix(prefix): file.get_tensor(key) for key in keys if key.startswith(prefix)}
    return found


def read_networks(folder: Path, recipe: str) -> dict[str, dict[str, Tensor]]:
    """The tensors of all networks, of their averages where there are some.

    Args:
        folder: the checkpoint.
        recipe: what it should be a checkpoint of.

    Returns:
        `{network: {name: tensor}}`.

    Raises:
        UserError: it is truncated, altered, or of another recipe.
    """
    tensors = _load(folder, NETWORKS, _record(folder, recipe))
    found: dict[str, dict[str, Tensor]] = {}
    for key in sorted(tensors, key=lambda each: each.startswith(AVERAGE)):  # averages come last, and stay
        network, name = key.removeprefix(AVERAGE).split(".", 1)
        found.setdefault(network, {})[name] = tensors[key]
    return found


def fits(network: nn.Module, tensors: dict[str, Tensor]) -> bool:
    """Whether these are the tensors of such a network."""
    return not _differing(network, tensors)


def fill(name: str, network: nn.Module, tensors: dict[str, Tensor], folder: Path) -> None:
    """Put tensors into a network, in place.

    Raises:
        UserError: they are those of another network.
    """
    wrong = _differing(network, tensors)
    if wrong:
        raise _other_networks(folder, f"{name}.{min(wrong)}")
    _fill(network, tensors)


def tensors_of(network: nn.Module) -> Iterator[tuple[str, Tensor]]:
    """All parameters and buffers by name, also those buffers that a `state_dict` leaves out."""
    for name, tensor in chain(network.named_parameters(remove_duplicate=False), network.named_buffers("", True, False)):
        yield name, tensor.detach()


def network_tensors(state: State) -> dict[str, Tensor]:
    """`{"G.weight name": tensor, "average.G.weight name": tensor}`: the live tensors, not copies."""
    return dict(tensors_of(_whole(state)))


def digest(state: State) -> str:
    """Of all that a checkpoint holds: where it is the same, so is every bit of the networks and the optimizers."""
    found = hashlib.blake2b(repr((state.round, sorted(state.steps.items()))).encode(), digest_size=16)
    for name, tensor in sorted((network_tensors(state) | _optimizer_tensors(state)).items()):
        found.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        found.update(tensor.detach().cpu().reshape(-1).contiguous().view(torch.uint8).numpy().data)
    return found.hexdigest()


def _whole(state: State) -> nn.Module:
    """All networks and their averages as the parts of one."""
    whole = nn.Module()
    whole._modules.update({**state.game.modules(), **{f"{AVERAGE}{name}": net for name, net in state.averaged.items()}})
    return whole


def _free_buffers(network: nn.Module) -> dict[str, tuple[nn.Module, str]]:
    """Where the buffers are that may have any shape: those not made yet, and those that a `state_dict` leaves out."""
    return {
        f"{path}.{name}".removeprefix("."): (module, name)
        for path, module in network.named_modules(remove_duplicate=False)
        for name, buffer in module._buffers.items()
        if buffer is None or name in module._non_persistent_buffers_set
    }


def _differing(network: nn.Module, tensors: dict[str, Tensor]) -> set[str]:
    live, free = dict(tensors_of(network)), _free_buffers(network).keys()
    shaped = (live.keys() & tensors.keys()) - free
    return (
        (live.keys() - tensors.keys())
        | (tensors.keys() - live.keys() - free)
        | {name for name in shaped if live[name].shape != tensors[name].shape}
    )


@torch.no_grad()
def _fill(network: nn.Module, tensors: dict[str, Tensor]) -> None:
    live, free = dict(tensors_of(network)), _free_buffers(network)
    for name, value in tensors.items():
        if name in free:
            put_buffer(*free[name], value.to(next(iter(live.values())).device))
        else:
            live[name].copy_(value)


def _optimizer_tensors(state: State) -> dict[str, Tensor]:
    return {
        f"{player}.{index}.{name}": value
        for player, optimizer in state.optimizers.items()
        for index, entries in optimizer.state_dict()["state"].items()
        for name, value in entries.items()
        if isinstance(value, Tensor)
    }


def _portable(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    # own, contiguous memory for each: channels_last and tied weights are matters of the running process
    return {name: value.detach().cpu().contiguous().clone() for name, value in tensors.items()}


def _write_synced(path: Path, content: bytes) -> str:
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    return hashlib.sha256(content).hexdigest()


def _sync(folder: Path) -> None:
    if os.name == "posix":
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _digest(record: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(record, sort_keys=True).encode()).hexdigest()


def _record(folder: Path, recipe: str) -> dict[str, Any]:
    damaged = UserError(f"{folder / STATE} is missing or damaged", "remove that checkpoint to use the one before it")
    try:
        record = json.loads((folder / STATE).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise damaged from error
    if not isinstance(record, dict) or "format" not in record:
        raise damaged
    if record.get("format") != FORMAT:
        raise UserError(
            f"{folder} has format {record.get('format')}, not {FORMAT}", "it was written by another version"
        )
    if record.pop("self", None) != _digest(record):
        raise damaged
    if record["recipe"] != recipe:
        raise UserError(
            f"{folder} is a checkpoint of {record['recipe']}, not of {recipe}", "use the run's own config.toml"
        )
    return record


def _load(folder: Path, name: str, record: dict[str, Any]) -> dict[str, Tensor]:
    _verify(folder, name, record)
    try:
        return load_file(folder / name)
    except (OSError, SafetensorError) as error:
        raise _damaged(folder / name) from error


def _verify(folder: Path, name: str, record: dict[str, Any]) -> None:
    try:
        with (folder / name).open("rb") as file:
            if hashlib.file_digest(file, "sha256").hexdigest() == record["sha256"][name]:
                return
    except OSError as error:
        raise _damaged(folder / name) from error
    raise _damaged(folder / name)


def _damaged(path: Path) -> UserError:
    return UserError(f"{path} is truncated or was altered", "remove that checkpoint to use the one before it")


def _other_networks(folder: Path, name: str) -> UserError:
    return UserError(
        f"{folder} holds other networks than the config describes: {name} differs", "use the run's own config.toml"
    )


def _moments(state: State, tensors: dict[str, Tensor], folder: Path) -> dict[str, dict[int, dict[str, Tensor]]]:
    """The optimizers' entries, by player and parameter.

    Raises:
        UserError: they are not those of this game's players and optimizers.
    """
    other = UserError(f"{folder} holds other players or optimizers than the game has", "resume it with its own game")
    entries: dict[str, dict[int, dict[str, Tensor]]] = {player: {} for player in state.optimizers}
    for key, value in tensors.items():
        player, index, name = key.rsplit(".", 2)
        if player not in entries or int(index) >= len(state.owned[player]):
            raise other
        parameter = state.owned[player][int(index)]
        if value.ndim and value.shape != parameter.shape:
            raise other
        if value.ndim:
            # fused optimizers walk raw memory: the moments must lie as their parameter does
            value = torch.empty_like(parameter, dtype=value.dtype, requires_grad=False).copy_(value)
        entries[player].setdefault(int(index), {})[name] = value
    for player, optimizer in state.optimizers.items():
        if any(entry.keys() != MOMENTS[type(optimizer)] for entry in entries[player].values()):
            raise other
    return entries


def _read_optimizers(state: State, entries: dict[str, dict[int, dict[str, Tensor]]]) -> None:
    for player, optimizer in state.optimizers.items():
        groups = optimizer.state_dict()["param_groups"]
        optimizer.load_state_dict({"state": entries[player], "param_groups": groups})
