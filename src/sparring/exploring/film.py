"""How a run's samples became what they are: its sheets, one after the other."""

from collections.abc import Sequence
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from sparring.errors import UserError
from sparring.exploring.animation import save_images
from sparring.runs import RunDir

LARGEST = 800
"""Pixels on the longer side of a sheet in a film."""

STRIP, PAPER, INK = 24, (250, 250, 248), (60, 60, 60)

RATE, HOLD = 8.0, 2.0
"""Sheets a second, and seconds more for the last one."""


def growth(path: Path) -> list[Image.Image]:
    """The sheets that a run keeps as frames of one size, oldest first, each with its round and images below it.

    All are of the same noise, so that a place in the sheet shows the same sample as it changes. Sheets that cannot be
    read are left out: a run under way may be writing one.

    Args:
        path: of the run.

    Raises:
        UserError: no such run, or it has fewer than two sheets.
    """
    run = RunDir.existing(path)
    images = {record["round"]: record["images"] for record in run.records() if "images" in record}
    files = sorted((int(each.stem), each) for each in run.samples.glob("*.png") if each.stem.isdecimal())
    sheets = [(round, sheet) for round, file in files if (sheet := _read(file))]
    if len(sheets) < 2:
        raise UserError(
            f"{path} has readable sheets: {len(sheets)}. A film needs two or more",
            "--set sample_every=50 draws one every 50 rounds",
        )
    size = max(sheet.width for _, sheet in sheets), max(sheet.height for _, sheet in sheets)
    return [_frame(sheet, size, _caption(round, images.get(round))) for round, sheet in sheets]


def save_growth(frames: Sequence[Image.Image], out: Path, rate: float | None = None) -> None:
    """Write the frames of `growth`; the last one stays for two seconds more.

    Raises:
        UserError: the disk is full, or `out` cannot be written.
    """
    save_images(frames, out, rate or RATE, HOLD)


def _read(path: Path) -> Image.Image | None:
    """A sheet as RGB, over white, not too large; None if it is damaged."""
    try:
        with Image.open(path) as image:
            sheet = image.convert("RGBA")
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
        return None
    sheet.thumbnail((LARGEST, LARGEST), Image.Resampling.LANCZOS)
    return Image.alpha_composite(Image.new("RGBA", sheet.size, "white"), sheet).convert("RGB")


def _caption(round: int, images: int | None) -> str:
    return f"round {round:,}" if images is None else f"round {round:,}   {images:,} images"


def _frame(sheet: Image.Image, size: tuple[int, int], caption: str) -> Image.Image:
    width, height = size
    frame = Image.new("RGB", (width, height + STRIP), PAPER)
    frame.paste(sheet, (0, 0))
    place = 6, height + STRIP // 2
    ImageDraw.Draw(frame).text(place, caption, fill=INK, font=ImageFont.load_default(13), anchor="lm")
    return frame
