"""For the drivers of tests: ranks that are forks of one process, which has imported torch once."""

import os
import signal
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path

PATIENCE, GRACE = 60.0, 5.0
"""Seconds after which a rank hangs, and after which one that outlives a failed one is asked to stop: launchers do."""


def start(size: int, meeting: Path, body: Callable[[], object]) -> list[int]:
    """So many ranks that run this and end; their process ids."""
    meeting.unlink(missing_ok=True)
    children: list[int] = []
    for rank in range(size):
        child = os.fork()
        if child:
            children.append(child)
            continue
        os.environ |= {"RANK": str(rank), "LOCAL_RANK": str(rank), "WORLD_SIZE": str(size)}
        os.environ |= {"SPARRING_MEETING": str(meeting.absolute()), "GLOO_SOCKET_IFNAME": "lo"} if size > 1 else {}
        os.dup2(os.pipe()[0], 0)  # of a launcher that does not end
        code = 70
        try:
            body()
            code = 0
        except SystemExit as ended:
            code = ended.code if isinstance(ended.code, int) else 0
        except BaseException:
            traceback.print_exc()
        sys.stderr.flush()
        os._exit(code)
    return children


def wait(children: list[int]) -> list[int | None]:
    """Their exit codes, negative where a signal ended them; None where one hangs. It is killed then."""
    patience, grace, codes = time.monotonic() + PATIENCE, 0.0, dict[int, int | None]()
    while len(codes) < len(children) and time.monotonic() < patience:
        if any(codes.values()) and not grace:
            grace = time.monotonic() + GRACE
        if grace and time.monotonic() > grace:
            grace = patience
            for child in set(children) - codes.keys():
                os.kill(child, signal.SIGTERM)
        for child in set(children) - codes.keys():
            ended, status = os.waitpid(child, os.WNOHANG)
            if ended:
                codes[child] = os.waitstatus_to_exitcode(status)
        time.sleep(0.002)
    for child in set(children) - codes.keys():
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    return [codes.get(child) for child in children]


def together(size: int, meeting: Path, body: Callable[[], object]) -> list[int | None]:
    """Start so many ranks, and wait for them."""
    return wait(start(size, meeting, body))
