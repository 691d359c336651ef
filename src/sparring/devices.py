"""Which device, and which arithmetic on it."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from sparring.errors import UserError, did_you_mean


class UnavailableError(UserError):
    """A kind of device that this machine, or this torch, does not have."""


def choose_device(name: str) -> torch.device:
    """The device of that name; `auto` takes CUDA, then MPS, then the processor.

    Raises:
        UnavailableError: there is none of that kind here.
        UserError: there is no such kind.
    """
    available = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if name == "auto":
        return torch.device(next(kind for kind in ("cuda", "mps", "cpu") if available[kind]))
    kind = name.split(":")[0]
    if not re.fullmatch(r"(cpu|cuda|mps)(:\d+)?", name):
        raise UserError(f"there is no device {name!r}", did_you_mean(name, ["auto", *available]))
    if not available[kind]:
        raise UnavailableError(f"there is no {kind} device here", "--device cpu, or a torch built for it")
    return torch.device(name)


def choose_precision(name: str, device: torch.device, pictures: bool) -> torch.dtype:
    """The arithmetic of the networks; `auto` takes bfloat16 for pictures where the device computes in it natively."""
    if name != "auto":
        return {"float32": torch.float32, "bfloat16": torch.bfloat16}[name]
    if not pictures or device.type == "mps":
        return torch.float32
    capabilities = torch.cpu.get_capabilities() if device.type == "cpu" else {}
    native = (
        capabilities.get("avx512_bf16", False) or capabilities.get("amx_bf16", False)
        if device.type == "cpu"
        else torch.cuda.is_bf16_supported(including_emulation=False)
    )
    return torch.bfloat16 if native else torch.float32


SMALL_BATCH = 4096
"""Numbers in a batch; up to here, as with points, a second thread costs more than it saves."""


def choose_threads(asked: int | None, device: torch.device, numbers: int) -> int:
    """How many threads of the processor play: one where a batch has few numbers or another device computes."""
    if asked is not None:
        return asked
    return 1 if numbers <= SMALL_BATCH or device.type != "cpu" else torch.get_num_threads()


@contextmanager
def threads(count: int | None) -> Iterator[None]:
    """Compute with so many threads of the processor; None leaves it to torch."""
    before = torch.get_num_threads()
    torch.set_num_threads(count or before)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@contextmanager
def forked(device: torch.device) -> Iterator[None]:
    """Put the global random states of the processor and of this device back after; no other device is woken."""
    processor, own = torch.get_rng_state(), _rng_state(device)
    try:
        yield
    finally:
        torch.set_rng_state(processor)
        if own is not None and device.type == "cuda":
            torch.cuda.set_rng_state(own, device)
        elif own is not None:
            torch.mps.set_rng_state(own)


def seed_global(seed: int, device: torch.device) -> None:
    """Seed the global generators of the processor and of this device: dropout and the like draw from them."""
    # torch.manual_seed would seed every device, and where CUDA has not begun it keeps a traceback of every call
    torch.default_generator.manual_seed(seed)
    if device.type == "cuda":
        with torch.cuda.device(device):
            torch.cuda.manual_seed(seed)
    elif device.type == "mps":
        torch.mps.manual_seed(seed)


def _rng_state(device: torch.device) -> torch.Tensor | None:
    if device.type == "cuda":
        return torch.cuda.get_rng_state(device)
    return torch.mps.get_rng_state() if device.type == "mps" else None
