"""Which device, and which arithmetic on it."""

import re

import torch

from sparring.errors import UserError, did_you_mean


def choose_device(name: str) -> torch.device:
    """The device of that name; `auto` takes CUDA, then MPS, then the processor.

    Raises:
        UserError: there is none of that kind here, or no such kind.
    """
    available = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if name == "auto":
        return torch.device(next(kind for kind in ("cuda", "mps", "cpu") if available[kind]))
    kind = name.split(":")[0]
    if not re.fullmatch(r"(cpu|cuda|mps)(:\d+)?", name):
        raise UserError(f"there is no device {name!r}", did_you_mean(name, ["auto", *available]))
    if not available[kind]:
        raise UserError(f"there is no {kind} device here", "--device cpu, or a torch built for it")
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
