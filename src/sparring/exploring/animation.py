"""Samples one after the other: a .gif, a .webp, a .mp4, or a folder of frames."""

import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from PIL import Image
from torch import Tensor

from sparring.errors import UserError, writing
from sparring.kinds import Kind, check_ending

ENDINGS = (".gif", ".webp", ".mp4")


def check_animation(kind: Kind, out: Path) -> None:
    """Refuse a file that frames cannot be written to, before they are drawn.

    Raises:
        UserError: another ending, a folder that is not empty, or no ffmpeg for a .mp4.
    """
    if out.suffix:
        check_film(out, "--out", " or a new folder")
    else:
        check_ending(kind, out)


def check_film(out: Path, option: str, besides: str = "") -> None:
    """Refuse what is no name of a film.

    Args:
        out: by its ending.
        option: that named it.
        besides: what else might have been given.

    Raises:
        UserError: another ending, or no ffmpeg for a .mp4.
    """
    ending = out.suffix.lower()
    if ending not in ENDINGS:
        found = f"as {ending}" if ending else "without an ending"
        raise UserError(f"{option} {out}: cannot write an animation {found}", f"{', '.join(ENDINGS)}{besides}")
    if ending == ".mp4" and shutil.which("ffmpeg") is None:
        raise UserError("a .mp4 needs ffmpeg, which is not there", "install it, or write a .gif or .webp")


def save_animation(kind: Kind, made: Tensor, out: Path, rate: float = 20.0) -> None:
    """Write stored samples as frames that go round for ever; in a folder, as `sparring sample` writes them.

    Args:
        kind: of the samples.
        made: `(N, ...)`.
        out: see `check_animation`.
        rate: frames a second.

    Raises:
        UserError: the disk is full, or `out` cannot be written.
    """
    if not out.suffix:
        kind.write(made, out, [f"frame{k:06d}" for k in range(len(made))])
        return
    frames = [kind.preview(each[None], each[None]) for each in made]
    save_images(frames, out, rate)


def save_images(frames: Sequence[Image.Image], out: Path, rate: float = 20.0, hold: float = 0.0) -> None:
    """Write pictures of one size as a `.gif`, `.webp` or `.mp4`.

    Args:
        frames: one at least.
        out: by its ending.
        rate: frames a second.
        hold: seconds more for the last one.

    Raises:
        UserError: the disk is full, or `out` cannot be written.
    """
    ending = out.suffix.lower()
    if ending != ".webp":  # only that one keeps what is half transparent
        frames = [_opaque(frame) for frame in frames]
    with writing(out):
        out.parent.mkdir(parents=True, exist_ok=True)
        if ending == ".mp4":
            _film([*frames, *[frames[-1]] * round(hold * rate)], out, rate)
            return
        options = {"lossless": True} if ending == ".webp" else {"optimize": False}
        first, *others = frames
        milliseconds = max(10, round(1000 / rate))
        durations = [milliseconds] * len(others) + [milliseconds + round(1000 * hold)]
        first.save(out, ending[1:].upper(), save_all=True, append_images=others, duration=durations, loop=0, **options)


def _opaque(frame: Image.Image) -> Image.Image:
    if frame.mode != "RGBA":
        return frame
    return Image.alpha_composite(Image.new("RGBA", frame.size, "white"), frame).convert("RGB")


def _film(frames: Sequence[Image.Image], out: Path, rate: float) -> None:
    width, height = frames[0].size
    words = ["ffmpeg", "-y", "-loglevel", "error", "-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{width}x{height}"]
    words += ["-r", f"{rate:g}", "-i", "-", "-vf", "pad=ceil(iw/2)*2:ceil(ih/2)*2", "-pix_fmt", "yuv420p", str(out)]
    ended = subprocess.run(
        words, input=b"".join(frame.convert("RGB").tobytes() for frame in frames), capture_output=True, check=False
    )
    if ended.returncode:
        said = ended.stderr.decode(errors="replace").strip().splitlines()
        raise UserError(f"ffmpeg cannot write {out}: {said[-1] if said else ended.returncode}", "write a .gif instead")
