"""How long a start takes, and how much memory: of many small pictures, first and second; of built-in data.

python -m benchmarks.starts            100,000 pictures, made in a temporary folder
python -m benchmarks.starts 5000       fewer
"""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image

from benchmarks.record import record

ROUND = ("--rounds", "1", "--recipe", "dcgan", "--batch", "16", "--doctor", "off")


def make(folder: Path, count: int) -> None:
    """Smooth noise as PNGs of 32x32 pixels, a thousand a folder."""
    for i in range(count):
        inside = folder / f"{i // 1000:03}"
        inside.mkdir(exist_ok=True)
        coarse = np.random.default_rng(i).integers(0, 256, (4, 4, 3), dtype=np.uint8)
        picture = Image.fromarray(coarse).resize((32, 32), Image.Resampling.BICUBIC)
        picture.save(inside / f"{i:06}.png", compress_level=1)


def measured(*words: str, cache: Path) -> dict[str, float]:
    """Seconds of a command, of its processor time too; MB at its peak, with and without pages of mapped files."""
    begun, peaks = time.monotonic(), {"VmHWM": 0, "RssAnon": 0}
    command = [sys.executable, "-m", "sparring", *words]
    child = subprocess.Popen(
        command, env={**os.environ, "XDG_CACHE_HOME": str(cache)}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    while True:
        ended, status, used = os.wait4(child.pid, os.WNOHANG)
        if ended:
            break
        found = _memory(child.pid)
        peaks = {name: max(peak, found.get(name, 0)) for name, peak in peaks.items()}
        time.sleep(0.02)
    if status:
        raise SystemExit(f"{' '.join(words)} failed")
    return {
        "seconds": round(time.monotonic() - begun, 2),
        "processor_seconds": round(used.ru_utime + used.ru_stime, 2),
        "peak_mb": round(peaks["VmHWM"] / 1e3),
        "peak_anonymous_mb": round(peaks["RssAnon"] / 1e3),
    }


def _memory(process: int) -> dict[str, int]:
    """Kilobytes: the peak of all memory, and what is no page of a file now; of a process that may have ended."""
    try:
        lines = Path(f"/proc/{process}/status").read_text().splitlines()
    except OSError:
        return {}
    found = dict(line.split(":", 1) for line in lines)
    return {name: int(found[name].split()[0]) for name in ("VmHWM", "RssAnon") if name in found}


def starts(place: Path, pictures: Path, count: int) -> None:
    """Measure and record."""
    commands = {
        "help": ("--help",),
        "digits": ("train", "digits", *ROUND, "--out", str(place / "digits")),
        "first": ("train", str(pictures), *ROUND, "--out", str(place / "first")),
        "second": ("train", str(pictures), *ROUND, "--out", str(place / "second")),
    }
    for name, words in commands.items():
        found = measured(*words, cache=place / "cache")
        print(name, found)
        record("starts", start=name, pictures=count, load=round(os.getloadavg()[0], 1), **found)


def main(count: int) -> None:
    """Make the pictures, and start."""
    with tempfile.TemporaryDirectory() as scratch:
        pictures = Path(scratch) / "pictures"
        pictures.mkdir()
        make(pictures, count)
        starts(Path(scratch), pictures, count)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000)
