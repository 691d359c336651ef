"""A generator as one ONNX file, checked against PyTorch before it is kept."""

import logging
import warnings
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from sparring.errors import UserError, writing
from sparring.workflows import Generator

PACKAGES = ("onnx", "onnxscript", "onnxruntime")
TOLERANCE = 1e-4
"""How far a value may be from PyTorch's, relative to the largest one where that is above 1."""

BATCHES = (1, 2, 7)
"""Sizes of the batches by which the file is checked."""


def check_packages() -> None:
    """Refuse to begin where a package is missing.

    Raises:
        UserError: one is.
    """
    missing = [name for name in PACKAGES if find_spec(name) is None]
    if missing:
        raise UserError(f"packages that ONNX needs are missing: {', '.join(missing)}", "pip install 'sparring[export]'")


def write_onnx(generator: Generator, out: Path) -> None:
    """Write the file: inputs `z` (and `y`, labels), output `x`, a batch of any size.

    Raises:
        UserError: the generator cannot be written as ONNX, computes something else there, or `out` cannot be written.
    """
    temporary = out.with_name(f".{out.stem}.part.onnx")
    with writing(out):
        out.parent.mkdir(parents=True, exist_ok=True)
    try:
        _convert(generator, temporary)
        _forget_origin(temporary)
        _check(generator, temporary)
        with writing(out):
            temporary.replace(out)
    finally:
        temporary.unlink(missing_ok=True)


def _inputs(generator: Generator, n: int) -> dict[str, Tensor]:
    device = generator.noise([0]).device
    inputs = {"z": generator.noise(range(n))}
    if generator.classes:
        inputs["y"] = torch.arange(n, device=device) % len(generator.classes)
    return inputs


def _convert(generator: Generator, out: Path) -> None:
    inputs = _inputs(generator, 3)
    batch = torch.export.Dim("batch")
    logger, level = logging.getLogger("torch.onnx"), logging.getLogger("torch.onnx").level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings(), torch.no_grad():
            warnings.simplefilter("ignore")
            torch.onnx.export(
                generator,
                tuple(inputs.values()),
                out,
                input_names=list(inputs),
                output_names=["x"],
                dynamo=True,
                dynamic_shapes=[{0: batch} for _ in inputs],
                external_data=False,
                verbose=False,
            )
    except OSError:
        raise
    except Exception as error:  # the exporter wraps whatever its many passes raise
        reason = str(error).strip().splitlines()
        raise UserError(
            f"this generator cannot be written as ONNX: {reason[0] if reason else type(error).__name__}",
            "export it as a folder: --out NAME/",
        ) from error
    finally:
        logger.setLevel(level)


def _forget_origin(path: Path) -> None:
    """Leave out which line of which file on this machine every node came from."""
    onnx: Any = import_module("onnx")
    model = onnx.load(path)
    for each in (model, model.graph, *model.graph.node, *model.graph.value_info):
        each.ClearField("metadata_props")
        each.ClearField("doc_string")
    onnx.save(model, path)


@torch.no_grad()
def _check(generator: Generator, path: Path) -> None:
    runtime: Any = import_module("onnxruntime")
    for n in BATCHES:
        inputs = _inputs(generator, n)
        expected = generator(**inputs).float().cpu().numpy()
        try:
            session = runtime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
            (found,) = session.run(None, {name: each.cpu().numpy() for name, each in inputs.items()})
        except Exception as error:  # onnxruntime has a dozen classes of its own
            raise UserError(
                f"onnxruntime cannot run what was written on a batch of {n}: {str(error).strip().splitlines()[0]}",
                "nothing was written; export it as a folder: --out NAME/",
            ) from error
        apart = float(np.abs(found - expected).max()) if found.shape == expected.shape else float("inf")
        if not apart <= TOLERANCE * max(1.0, float(np.abs(expected).max())):
            raise UserError(
                f"onnxruntime and PyTorch differ by {apart:.2g} on a batch of {n}",
                "nothing was written; export it as a folder: --out NAME/",
            )
