"""Results as JSON lines, each with what is needed to repeat it."""

import json
import platform
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch

import sparring

RESULTS = Path(__file__).parent / "results"


def provenance() -> dict[str, Any]:
    """Versions and machine."""
    return {
        "when": datetime.now(UTC).isoformat(timespec="seconds"),
        "sparring": sparring.__version__,
        "torch": torch.__version__,
        "python": platform.python_version(),
        "cpu": torch.backends.cpu.get_cpu_capability(),
        "threads": torch.get_num_threads(),
    }


def record(table: str, /, **result: Any) -> None:
    """Append a result to `results/TABLE.jsonl`."""
    RESULTS.mkdir(exist_ok=True)
    with (RESULTS / f"{table}.jsonl").open("a", encoding="utf-8") as file:
        file.write(json.dumps(result | provenance()) + "\n")
