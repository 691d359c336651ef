"""Runs that are there already, and what a new run takes over from one."""

from pathlib import Path
from typing import Any

from sparring import checkpoint as checkpoints
from sparring.config import Origin, RunConfig, read_toml, validated
from sparring.errors import UserError
from sparring.game import Game
from sparring.judges import STATE
from sparring.runs import RunDir


def existing(path: str | Path) -> tuple[RunDir, RunConfig]:
    """The run at that path, and its config.

    Args:
        path: a run directory.

    Raises:
        UserError: there is none, or its config is not one that a run wrote.
    """
    run_dir = RunDir.existing(path)
    tables = read_toml(run_dir.config)
    missing = {"data", "columns", "fingerprint"} - tables.keys()
    if missing:
        raise UserError(
            f"{run_dir.config} was not written by a run: {min(missing)} is missing", "name a folder that a run wrote"
        )
    # a run that does not say so was begun before there was a choice
    return run_dir, validated(RunConfig, {"augment": "none", **tables}, str(run_dir.config))


def take_over(game: Game[Any], origin: str | Path | Origin) -> tuple[Origin, str]:
    """Begin with the networks of another run, in place, as far as they fit.

    A network fits when all of its tensors have the shapes of those of the same name there. Of those that samples are
    drawn from the averages are taken: both the network and its new average begin with them. What has no parameters,
    such as a pool of past fakes, belongs to the other run's data, and begins anew.

    Args:
        game: not started yet.
        origin: a run, of which the newest checkpoint is read; or what an earlier call returned.

    Returns:
        Where the networks come from, and that in words.

    Raises:
        UserError: no such run, no checkpoint, a damaged one; or nothing fits.
    """
    path = Path(origin.run if isinstance(origin, Origin) else origin)
    run_dir, config = existing(path)
    folder = run_dir.which(str(origin.round) if isinstance(origin, Origin) else "latest")
    there = checkpoints.read_networks(folder, config.recipe)
    taken, anew = [], []
    for name, network in game.modules().items():
        if not any(True for _ in network.parameters()):
            continue
        tensors = {key: each for key, each in there.get(name, {}).items() if not key.startswith(STATE)}
        if tensors and checkpoints.fits(network, tensors):
            checkpoints.fill(name, network, tensors, folder)
            taken.append(name)
        else:
            anew.append(f"{name} {'has other shapes there' if tensors else 'is not there'}")
    round = run_dir.round_of(folder)
    if not taken:
        hint = f"the same size, channels, network and width as in {run_dir.config}"
        raise UserError(f"nothing of {path} fits: {', '.join(anew)}", hint)
    said = f"{', '.join(taken)} taken over from {path}, round {round:,}"
    found = Origin(run=str(path.resolve()), data=config.fingerprint, round=round, networks=tuple(taken))
    return found, said + (f"; begun anew: {', '.join(anew)}" if anew else "")
