"""A generator as a folder: weights, what they are the weights of, and a card for people.

model.safetensors      the averaged networks that make samples, by `network.tensor`
config.json            recipe, options and columns: enough to build the networks anew
README.md              the model card
"""

import json
import shutil
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from sparring import __version__, recipes
from sparring import checkpoint as checkpoints
from sparring.config import RunConfig, validated
from sparring.devices import choose_device, forked
from sparring.errors import UserError, writing
from sparring.exporting.card import card
from sparring.kinds import from_tables, to_tables
from sparring.loop import CPU
from sparring.reporting.story import gather
from sparring.workflows import Generator, makers_of

WEIGHTS, CONFIG, CARD = "model.safetensors", "config.json", "README.md"
FORMAT = 1


def write_folder(generator: Generator, run: str | Path, checkpoint: str, out: Path) -> None:
    """Write the folder whole, or nothing.

    Args:
        generator: of that run.
        run: the run directory, for the card.
        checkpoint: which one the generator is of.
        out: not there yet.

    Raises:
        UserError: the disk is full, or `out` cannot be written.
    """
    story = gather(run)
    temporary = out.with_name(f".{out.name}.part")
    shutil.rmtree(temporary, ignore_errors=True)
    try:
        with writing(out):
            temporary.mkdir(parents=True)
            save_file(_tensors(generator), temporary / WEIGHTS, {"format": "pt"})
            described = json.dumps(_described(generator, story.config), indent=1, ensure_ascii=False)
            (temporary / CONFIG).write_text(described + "\n", encoding="utf-8")
            (temporary / CARD).write_text(card(generator, story, checkpoint, out.name), encoding="utf-8")
            temporary.replace(out)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _tensors(generator: Generator) -> dict[str, Tensor]:
    return {
        f"{name}.{key}": tensor.cpu().contiguous().clone()
        for name, network in generator.makers.items()
        for key, tensor in checkpoints.tensors_of(network)
    }


def _described(generator: Generator, config: RunConfig) -> dict[str, Any]:
    """No path of the machine that trained it."""
    return {
        "format": FORMAT,
        "library": "sparring",
        "sparring": __version__,
        "recipe": config.recipe,
        "options": config.options,
        "columns": to_tables(generator.schema),
        "latent": [{"name": part.name, "dim": part.dim, "kind": part.kind} for part in generator.parts],
        "classes": list(generator.classes),
        "data": config.fingerprint,
    }


def load_generator(folder: str | Path, device: str = "cpu") -> Generator:
    """The generator in a folder that `sparring export` wrote.

    Args:
        folder: with `config.json` and `model.safetensors`.
        device: auto, cpu, cuda or mps.

    Raises:
        UserError: it is no such folder, or it is damaged.
    """
    folder, where = Path(folder), choose_device(device)
    try:
        described = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
        if described["format"] != FORMAT:
            raise UserError(f"{folder} was written by another version of sparring", f"this is {__version__}")
        recipe, schema = recipes.get(described["recipe"]), from_tables(described["columns"])
        options = validated(recipe.options, described["options"], f"recipe {recipe.name}")
        weights = load_file(folder / WEIGHTS)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, SafetensorError) as error:
        if isinstance(error, UserError):
            raise
        raise UserError(f"{folder} holds no generator that can be read: {error}", "see sparring export") from error
    with forked(CPU), torch.device("meta"):  # no weight is drawn, and no random number of the caller's
        game = recipe.build(options, schema)
    tensors = {
        name: {key.removeprefix(f"{name}."): each for key, each in weights.items() if key.startswith(f"{name}.")}
        for name in game.sampling()
    }
    return Generator(game, makers_of(game, tensors, folder, where), schema)
