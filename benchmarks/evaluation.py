"""What an evaluation costs: time of the whole, of FID's matrix root beside torch-fidelity's, and memory of neighbours.

python -m benchmarks.evaluation
"""

import argparse
import subprocess
import sys
import time
from collections.abc import Callable

import numpy as np
import torch

from benchmarks.record import record
from sparring import metrics
from sparring.metrics.extractors import Embedding, random_network
from sparring.metrics.table import Reals, Samples


def seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def sets(count: int, n: int, dimensions: int) -> list[Samples]:
    """Grey pictures of 28x28, of noise, with correlated features that have nothing to do with them."""
    rng = torch.Generator().manual_seed(0)
    mix = torch.randn(dimensions, dimensions, generator=rng) / dimensions**0.5
    pictures = np.random.default_rng(0).integers(0, 256, (n, 1, 28, 28), dtype=np.uint8)
    return [Samples(pictures, Embedding(torch.randn(n, dimensions, generator=rng) @ mix)) for _ in range(count)]


def whole(n: int, dimensions: int) -> None:
    """Every metric of n samples against n, with floor and spreads, and the test of memorisation; features are given."""
    reference, control, fake = sets(3, n, dimensions)
    extractor = random_network(1, dimensions)
    took = seconds(lambda: Reals(reference, control, extractor).table(fake))
    test = seconds(lambda: metrics.memorization(*(each.seen.features for each in (reference, control, fake))))
    print(f"{n:,} against {n:,} in {dimensions} dimensions: {took:.1f} s, memorisation {test:.1f} s (bar: 20 s in all)")
    record("evaluation", what="whole", n=n, dimensions=dimensions, seconds=took, memorization=test)


def root(dimensions: int) -> None:
    """FID from moments, by symmetric eigenvalues and as torch-fidelity does it."""
    a, b = (metrics.Moments.of(each.seen.features) for each in sets(2, 2 * dimensions, dimensions))
    ours = min(seconds(lambda: metrics.moments_distance(a, b)) for _ in range(2))

    def product() -> float:  # torch-fidelity 0.4.0's fid_statistics_to_metric, which wants torchvision to be imported
        values = np.linalg.eigvals(a.covariance.numpy().dot(b.covariance.numpy()))
        return float(np.sum(np.sqrt(values.astype("complex128")).real))

    theirs = seconds(product)
    print(f"FID's root in {dimensions:,} dimensions: {ours:.1f} s, by the product's eigenvalues {theirs:.1f} s")
    record("evaluation", what="root", dimensions=dimensions, seconds=ours, product_seconds=theirs)


def memory(n: int, dimensions: int) -> None:
    """Peak memory of precision, recall, density and coverage, in a process of its own."""
    code = f"""
import resource, torch
from sparring import metrics
x, y = torch.randn({n}, {dimensions}), torch.randn({n}, {dimensions})
metrics.manifold(x, y)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
"""
    began = time.perf_counter()
    peak = int(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout)
    took = time.perf_counter() - began
    print(f"precision, recall, density, coverage at {n:,} x {n:,}: {peak:,} MB, {took:.0f} s (bar: 1,500 MB)")
    record("evaluation", what="memory", n=n, dimensions=dimensions, megabytes=peak, seconds=took)


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--small", action="store_true", help="a tenth of everything, to try the script")
    scale = 10 if arguments.parse_args().small else 1
    whole(10_000 // scale, 64)
    root(2048 // scale)
    memory(50_000 // scale, 64)


if __name__ == "__main__":
    main()
