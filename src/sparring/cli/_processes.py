"""`sparring train --processes N`: the same command once more in each of N processes of this machine."""

import math
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from sparring.errors import UserError

MEETING = "SPARRING_MEETING"
"""The environment variable that says where the processes meet; `sparring.processes` reads it."""

ENDING = ((5.0, signal.SIGTERM), (30.0, signal.SIGKILL))
"""How many seconds after a process has failed those that have not ended by themselves are sent what."""

LOOPBACK = Path("/sys/class/net/lo")

Worker = subprocess.Popen[bytes]


def leads() -> bool:
    """Whether this is the process that speaks for all."""
    return os.environ.get("RANK", "0") == "0"


def silent() -> bool:
    """Whether another process of this machine says what was wrong."""
    return os.environ.get("LOCAL_RANK", "0") != "0"


def started(count: int | None) -> bool:
    """Whether the processes run already, this one among them; also where one is enough.

    Raises:
        UserError: torchrun has started other ones.
    """
    if MEETING in os.environ or count is None:
        return True
    if int(os.environ.get("WORLD_SIZE", "1")) > 1:
        raise UserError("--processes was given to a process of torchrun", "leave it out: torchrun --nproc-per-node")
    return count == 1


def launch(count: int, arguments: Sequence[str]) -> int:
    """Run `sparring` with these arguments in so many processes, and wait for them.

    Signals are passed on. Whatever ends one of the processes ends all.

    Returns:
        The exit code of the first process; 1 where it was killed.

    Raises:
        UserError: this system knows no process groups.
    """
    if os.name != "posix":
        raise UserError("--processes is for Linux and macOS", "torchrun --nproc-per-node N -m sparring train ...")
    workers: list[Worker] = []
    with TemporaryDirectory(prefix="sparring-") as folder, _passing_signals_to(workers):
        try:
            workers.extend(_start(rank, count, Path(folder) / "meeting", arguments) for rank in range(count))
            _wait(workers)
        finally:
            for worker in workers:
                worker.kill()
                worker.wait()
    code = workers[0].returncode
    if code < 0:
        from sparring.cli import complain

        name = signal.Signals(-code).name
        complain(f"process 0 was ended by {name}", "--resume goes on from the newest checkpoint")
        return 1
    return code


def mind_the_launcher() -> None:
    """Ask this process to stop as soon as the one that launched it is gone, however it went."""
    if MEETING not in os.environ:
        return

    def wait() -> None:
        os.read(0, 1)  # it writes nothing: what ends is the pipe
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=wait, daemon=True).start()


def _start(rank: int, count: int, meeting: Path, arguments: Sequence[str]) -> Worker:
    environment = dict(os.environ)
    environment.setdefault("OMP_NUM_THREADS", str(max(1, _cores() // count)))
    if LOOPBACK.exists():
        # they are all on this machine, whatever its host name resolves to
        environment.setdefault("GLOO_SOCKET_IFNAME", LOOPBACK.name)
    environment |= {"RANK": str(rank), "LOCAL_RANK": str(rank), MEETING: str(meeting)}
    environment |= {"WORLD_SIZE": str(count), "LOCAL_WORLD_SIZE": str(count)}
    # what lies in the working folder takes no module's place, unless it could before
    safe = [] if {"", str(Path.cwd())} & set(sys.path) else ["-P"]
    command = [sys.executable, *safe, "-m", "sparring", *arguments]
    # a group of its own: what the terminal sends comes once, by way of this process
    return subprocess.Popen(command, env=environment, stdin=subprocess.PIPE, process_group=0)


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _wait(workers: Sequence[Worker]) -> None:
    """Until all have ended, by themselves or, once one has failed or the first is done, by us."""
    failed, sent = math.inf, 0
    while None in (codes := [worker.poll() for worker in workers]):
        if codes[0] is not None or any(codes):
            failed = min(failed, time.monotonic())
        if sent < len(ENDING) and time.monotonic() - failed > ENDING[sent][0]:
            for worker in workers:
                worker.send_signal(ENDING[sent][1])
            sent += 1
        time.sleep(0.02)


@contextmanager
def _passing_signals_to(workers: Sequence[Worker]) -> Iterator[None]:
    def pass_on(number: int, frame: object) -> None:
        for worker in workers:
            worker.send_signal(number)  # nothing happens where it has ended

    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.signal(number, pass_on) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
