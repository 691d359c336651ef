import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

import sparring
from sparring.errors import UserError
from sparring.lock import NAME, locked

SRC = Path(sparring.__file__).parents[1]
HOLD = """
import sys, time
from pathlib import Path
from sparring.lock import locked
with locked(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


def holder(folder: Path) -> subprocess.Popen[str]:
    """Another process that holds the lock until it is killed."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(folder)],
        env={**os.environ, "PYTHONPATH": str(SRC)},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout
    assert process.stdout.readline() == "held\n"
    return process


def test_the_second_process_is_told_which_one_is_first_and_a_dead_one_blocks_nobody(tmp_path):
    process = holder(tmp_path)
    try:
        with pytest.raises(UserError, match=f"process {process.pid} on {socket.gethostname()}"), locked(tmp_path):
            pass
    finally:
        process.kill()
        process.communicate()
    assert (tmp_path / NAME).exists()
    with locked(tmp_path):
        pass
    assert not (tmp_path / NAME).exists()


def test_one_process_holds_it_once_and_gives_it_back_when_it_fails(tmp_path):
    def play() -> None:
        with locked(tmp_path):
            raise ZeroDivisionError

    with locked(tmp_path), pytest.raises(UserError, match=f"process {os.getpid()}"):
        play()
    for _ in range(2):
        with pytest.raises(ZeroDivisionError):
            play()
