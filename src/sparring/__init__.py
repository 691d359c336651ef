"""Sparring: train a generative adversarial network on your own data."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

# torch takes a second to import: each name is fetched from its home when it is first asked for
_HOMES = {
    "Adversary": "sparring.adversary",
    "Game": "sparring.game",
    "Latent": "sparring.game",
    "OptimizerConfig": "sparring.game",
    "Player": "sparring.game",
    "Run": "sparring.workflows",
    "Step": "sparring.game",
    "Turn": "sparring.game",
    "UserError": "sparring.errors",
    "compare": "sparring.evaluation",
    "clip_weights": "sparring.penalties",
    "diff_augment": "sparring.augmentations",
    "divergence": "sparring.penalties",
    "dragan": "sparring.penalties",
    "duel": "sparring.recipes",
    "epochs": "sparring.game",
    "evaluate": "sparring.evaluation",
    "export": "sparring.exporting",
    "gradient_penalty": "sparring.penalties",
    "load_generator": "sparring.exporting",
    "plan": "sparring.workflows",
    "r1": "sparring.penalties",
    "r2": "sparring.penalties",
    "report": "sparring.reporting",
    "resume": "sparring.workflows",
    "run": "sparring.workflows",
    "sample": "sparring.workflows",
    "steps": "sparring.game",
    "together": "sparring.penalties",
    "train": "sparring.workflows",
}

__all__ = [*_HOMES, "__version__"]  # pyright: ignore[reportUnsupportedDunderAll]

if TYPE_CHECKING:
    from sparring.adversary import Adversary as Adversary
    from sparring.augmentations import diff_augment as diff_augment
    from sparring.errors import UserError as UserError
    from sparring.evaluation import compare as compare
    from sparring.evaluation import evaluate as evaluate
    from sparring.exporting import export as export
    from sparring.exporting import load_generator as load_generator
    from sparring.game import Game as Game
    from sparring.game import Latent as Latent
    from sparring.game import OptimizerConfig as OptimizerConfig
    from sparring.game import Player as Player
    from sparring.game import Step as Step
    from sparring.game import Turn as Turn
    from sparring.game import epochs as epochs
    from sparring.game import steps as steps
    from sparring.penalties import clip_weights as clip_weights
    from sparring.penalties import divergence as divergence
    from sparring.penalties import dragan as dragan
    from sparring.penalties import gradient_penalty as gradient_penalty
    from sparring.penalties import r1 as r1
    from sparring.penalties import r2 as r2
    from sparring.penalties import together as together
    from sparring.recipes import duel as duel
    from sparring.reporting import report as report
    from sparring.workflows import Run as Run
    from sparring.workflows import plan as plan
    from sparring.workflows import resume as resume
    from sparring.workflows import run as run
    from sparring.workflows import sample as sample
    from sparring.workflows import train as train


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'sparring' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
