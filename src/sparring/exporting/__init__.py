"""A run's generator for others: as ONNX, or as a folder with a model card."""

from pathlib import Path

from sparring.errors import UserError
from sparring.exporting.hub import load_generator, write_folder
from sparring.exporting.onnx import check_packages, write_onnx
from sparring.exporting.page import write_page
from sparring.workflows import generator_of, sampler

__all__ = ["export", "load_generator", "write_page"]


def export(run: str | Path, out: str | Path, *, checkpoint: str = "latest", device: str = "cpu") -> Path:
    """Write the averaged generator of a run.

    Args:
        run: the run directory; its recipe is one of `sparring recipes`.
        out: `.onnx`, or a new folder, laid out as the Hugging Face Hub shows models.
        checkpoint: "latest", "best", or a round.
        device: where it is computed while it is written and checked.

    Returns:
        What was written.

    Raises:
        UserError: the path exists or has another ending; no such run; it makes its samples from something else than
            noise and labels; a package is missing.
    """
    path = Path(out)
    if path.exists():
        raise UserError(f"--out {path} exists", "name a new file or folder")
    if path.suffix.lower() not in (".onnx", ""):
        raise UserError(f"--out {path}: cannot export as {path.suffix}", "a name in .onnx, or a new folder")
    if path.suffix:
        check_packages()
    generator = generator_of(sampler(run, checkpoint=checkpoint, device=device))
    if path.suffix:
        write_onnx(generator, path)
    else:
        write_folder(generator, run, checkpoint, path)
    return path
