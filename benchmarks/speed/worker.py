"""One way to play, in a process of its own: reads a number of rounds, plays them, answers with what they took.

PYTHONPATH=TREE/src:. python -m benchmarks.speed.worker WAY CASE PRECISION THREADS
"""

import json
import resource
import sys
import time

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

from benchmarks.speed import bare
from benchmarks.speed.cases import ours


class Flops(TorchDispatchMode):
    """Counts multiplications and additions of matrix products and convolutions; FlopCounterMode refuses penalties."""

    total = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        out = func(*args, **(kwargs or {}))
        if func._overloadpacket in flop_registry:
            self.total += flop_registry[func._overloadpacket](*args, **(kwargs or {}), out_val=out)
        return out


def main() -> None:
    way, case, precision, threads = sys.argv[1:]
    if threads != "auto":
        torch.set_num_threads(int(threads))
    if way == "ours":
        playing = ours(case, precision)
    else:
        playing = bare.tutorial() if way == "tutorial" else bare.begin(case, precision)
    with Flops() as flops:
        next(playing.rounds)
    print(json.dumps({"images": playing.images, "flops": flops.total}), flush=True)
    for line in sys.stdin:
        wall, processor = time.perf_counter(), time.process_time()
        for _ in range(int(line)):
            next(playing.rounds)
        took = {"wall": time.perf_counter() - wall, "processor": time.process_time() - processor}
        print(
            json.dumps(took | {"megabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}),
            flush=True,
        )


if __name__ == "__main__":
    main()
