import stat
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from sparring.errors import UserError
from sparring.exploring import check_animation, save_animation
from sparring.kinds import Pictures


@pytest.fixture
def frames(rng) -> torch.Tensor:
    return torch.randint(0, 256, (7, 1, 56, 60), generator=rng, dtype=torch.uint8)


@pytest.mark.parametrize("ending", [".gif", ".webp"])
def test_an_animation_holds_every_frame_and_goes_round(frames, tmp_path, ending):
    kind, out = Pictures((1, 56, 60)), tmp_path / f"deep/walk{ending}"
    check_animation(kind, out)
    save_animation(kind, frames, out, rate=10)
    with Image.open(out) as image:
        assert (image.n_frames, image.info["loop"]) == (7, 0)
        for k in range(7):
            image.seek(k)
            assert np.array_equal(np.asarray(image.convert("L")), frames[k, 0].numpy())
            assert image.info["duration"] == 100


def test_a_folder_holds_the_frames_as_they_are(frames, tmp_path):
    save_animation(Pictures((1, 56, 60)), frames, tmp_path / "walk")
    assert [path.name for path in sorted((tmp_path / "walk").iterdir())] == [f"frame{k:06d}.png" for k in range(7)]
    with Image.open(tmp_path / "walk/frame000003.png") as image:
        assert np.array_equal(np.asarray(image), frames[3, 0].numpy())


def test_what_is_transparent_lies_over_white_in_a_gif(tmp_path):
    clear = torch.zeros(2, 4, 56, 56, dtype=torch.uint8)
    clear[1, 3] = 255
    save_animation(Pictures((4, 56, 56)), clear, tmp_path / "walk.gif")
    with Image.open(tmp_path / "walk.gif") as image:
        assert image.convert("RGB").getpixel((0, 0)) == (255, 255, 255)
        image.seek(1)
        assert image.convert("RGB").getpixel((0, 0)) == (0, 0, 0)


def test_a_film_needs_ffmpeg(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UserError, match="needs ffmpeg"):
        check_animation(Pictures((1, 56, 60)), tmp_path / "walk.mp4")


def fake_ffmpeg(folder: Path, script: str, monkeypatch: pytest.MonkeyPatch) -> None:
    program = folder / "ffmpeg"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{folder}:/bin:/usr/bin")


def test_a_film_is_what_ffmpeg_makes_of_the_frames(frames, tmp_path, monkeypatch):
    fake_ffmpeg(tmp_path, 'for out; do :; done; echo "$@" > words.txt; cat > "$out"', monkeypatch)
    monkeypatch.chdir(tmp_path)
    check_animation(Pictures((1, 56, 60)), Path("walk.mp4"))
    save_animation(Pictures((1, 56, 60)), frames, Path("walk.mp4"))
    grey = frames[:, 0, :, :, None].expand(-1, -1, -1, 3).numpy()
    assert Path("walk.mp4").read_bytes() == grey.tobytes()
    assert "-s 60x56 -r 20" in Path("words.txt").read_text()


def test_what_ffmpeg_complains_of_is_told(frames, tmp_path, monkeypatch):
    fake_ffmpeg(tmp_path, "cat > /dev/null; echo 'no encoder' >&2; exit 1", monkeypatch)
    with pytest.raises(UserError, match="no encoder"):
        save_animation(Pictures((1, 56, 60)), frames, tmp_path / "walk.mp4")
