"""One run in a process of its own, of whichever revision PYTHONPATH names, by the clock of its own processor time.

PYTHONPATH=TREE/src:. python -m benchmarks.colour.worker SOURCE.npy OUT MINUTES SEED SAMPLES

It asks no more of a revision than `sparring.train` and `run.sample`.
"""

import json
import sys
import time
from pathlib import Path
from unittest.mock import patch

import numpy as np
import torch


def main() -> None:
    source, out, minutes, seed, samples = sys.argv[1:]
    torch.set_num_threads(1)
    import sparring

    with patch.object(time, "monotonic", time.process_time):
        began = time.process_time()
        run = sparring.train(source, out=out, minutes=float(minutes), seed=int(seed))
        took = time.process_time() - began
    np.save(Path(out) / "made.npy", run.sample(int(samples)))
    records = [json.loads(line) for line in (Path(out) / "log.jsonl").read_text().splitlines()]
    rounds = max(record["round"] for record in records)
    said = [record["verdict"] for record in records if record.get("kind") == "health"]
    print(json.dumps({"rounds": rounds, "cpu_seconds": round(took), "verdict": said[-1] if said else "not examined"}))


if __name__ == "__main__":
    main()
