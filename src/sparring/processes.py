"""Several processes that play one game together: each its own parts of every accumulated batch.

All hold the same weights. What a step needs is summed in one all-reduce between the last backward pass and the step.
It is not DDP: penalties need gradients of gradients, and players take turns at being frozen.
"""

import json
import os
import re
import zlib
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from multiprocessing.util import Finalize
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _NormBase

from sparring.errors import ProcessesError, UserError

PATIENCE = timedelta(minutes=30)
"""How long a process waits for another one that is alive: for an evaluation by the first, say. Of one that has died
the system tells at once."""

MEETING = "SPARRING_MEETING"
"""The environment variable by which `sparring train --processes` says where its processes meet: a file."""

Terms = dict[str, Tensor]
Slot = tuple[nn.Module, str]


@dataclass(frozen=True)
class Processes:
    """All processes of a run, as one of them sees them. One process by itself reduces nothing.

    Args:
        rank: of this process; 0 leads: it alone decides, writes and shows.
        size: how many there are.
        local: number of this process on its machine.
    """

    rank: int = 0
    size: int = 1
    local: int = 0

    @property
    def leads(self) -> bool:
        """Whether this process decides, writes and shows."""
        return self.rank == 0

    def share(self, parts: int) -> range:
        """Which of the parts of an accumulated batch this process plays.

        Examples:
            >>> [list(Processes(rank, 2).share(5)) for rank in (0, 1)]
            [[0, 2, 4], [1, 3]]
        """
        return range(self.rank, parts, self.size)

    def device(self, device: torch.device) -> torch.device:
        """The device of that kind that is this process's own.

        Raises:
            UserError: several processes cannot work on that kind.
        """
        if self.size == 1 or device.type == "cpu":
            return device
        if device.type != "cuda":
            raise UserError(f"several processes cannot share {device.type}", "--device cpu, or one process")
        own = torch.device("cuda", self.local % torch.cuda.device_count())
        torch.cuda.set_device(own)
        return own

    @torch.no_grad()
    def total(self, parameters: Sequence[nn.Parameter], parts: list[Terms], count: int) -> list[Terms]:
        """Add up the gradients, in place, and the terms of all processes, in one all-reduce.

        A parameter that has no gradient in any process has none after either.

        Args:
            parameters: the same in all processes.
            parts: the terms of each part that this process has played; the names are the same in all.
            count: how many parts all have played together.

        Returns:
            Instead of the parts one, the mean of all.
        """
        if self.size == 1:
            return parts
        terms = {name: torch.stack([part[name].float() for part in parts]).sum() / count for name in parts[0]}
        values = torch.stack(list(terms.values()))
        gradients = [p.new_zeros(p.numel()) if p.grad is None else _dense(p.grad).reshape(-1) for p in parameters]
        there = values.new_tensor([p.grad is not None for p in parameters])
        flat = torch.cat([*gradients, there, values])
        _sum(flat)
        *summed, there, values = flat.split([*(p.numel() for p in parameters), len(there), len(values)])
        for parameter, gradient, processes in zip(parameters, summed, there.tolist(), strict=True):
            if processes:
                # laid out as the parameter is: fused optimizers walk raw memory
                parameter.grad = torch.empty_like(parameter).copy_(gradient.view_as(parameter))
        return [dict(zip(terms, values, strict=True))]

    @torch.no_grad()
    def settle(self, networks: Iterable[nn.Module], means: Collection[str] = ()) -> None:
        """Make the buffers of all processes the same: those of the first, but for the means of batch statistics.

        Args:
            networks: the same in all processes.
            means: names of the buffers of batch norms that are averaged over the processes.
        """
        if self.size == 1:
            return
        modules = dict.fromkeys(module for network in networks for module in network.modules())
        slots = [(module, name) for module in modules for name in module._buffers]
        if not slots:
            return
        self._conform(slots)
        there = [(*slot, buffer) for slot in slots if (buffer := slot[0]._buffers[slot[1]]) is not None]
        averaged = [buffer for module, name, buffer in there if isinstance(module, _NormBase) and name in means]
        own = [buffer.clone() for buffer in averaged]
        self.spread(buffer for *_, buffer in there)
        if averaged:
            # as differences from the first process's: what is the same everywhere does not move by a rounding error
            pairs = zip(own, averaged, strict=True)
            flat = torch.cat([((mine - first) / self.size).reshape(-1) for mine, first in pairs])
            _sum(flat)
            for buffer, part in zip(averaged, flat.split([b.numel() for b in averaged]), strict=True):
                buffer += part.view_as(buffer)

    @torch.no_grad()
    def spread(self, tensors: Iterable[Tensor]) -> None:
        """Give these tensors the values that they have in the first process, in place."""
        tensors = list(tensors)
        if self.size == 1 or not tensors:
            return
        pieces = [t.detach().reshape(-1).contiguous().view(torch.uint8) for t in tensors]
        flat = torch.cat([piece.to(pieces[0].device) for piece in pieces])
        with _reaching():
            dist.broadcast(flat, 0)
        if not self.leads:
            for tensor, part in zip(tensors, flat.split([piece.numel() for piece in pieces]), strict=True):
                tensor.detach().copy_(part.clone().view(tensor.dtype).view(tensor.shape))  # a copy lies aligned

    def exchange(self, number: int) -> list[int]:
        """The numbers of all processes, by rank."""
        if self.size == 1:
            return [number]
        return [int(each) for each in self._all(torch.tensor([int(number)]))]

    def gather(self, text: str) -> list[str]:
        """The texts of all processes, by rank."""
        if self.size == 1:
            return [text]
        mine = text.encode()
        lengths = self.exchange(len(mine))
        longest = max(lengths)
        padded = torch.frombuffer(bytearray(mine.ljust(longest + 1)), dtype=torch.uint8)
        rows = zip(self._all(padded), lengths, strict=True)
        return [bytes(row[:length].tolist()).decode() for row, length in rows]

    def _all(self, mine: Tensor) -> list[Tensor]:
        found = [torch.empty_like(mine) for _ in range(self.size)]
        with _reaching():
            dist.all_gather(found, mine)
        return found

    def _conform(self, slots: list[Slot]) -> None:
        """Make buffers that have other shapes than in the first process, or are not there, as they are there."""
        layouts = [_layout(module._buffers[name]) for module, name in slots]
        text = json.dumps(layouts)
        if len(set(self.exchange(zlib.crc32(text.encode())))) == 1:
            return
        wanted: list[Any] = json.loads(self.gather(text)[0])
        device = next(b.device for module, name in slots if (b := module._buffers[name]) is not None)
        for (module, name), mine, first in zip(slots, layouts, wanted, strict=True):
            if mine != first:
                shape = None if first is None else (first[1], getattr(torch, first[0]))
                module._buffers[name] = shape and torch.empty(shape[0], dtype=shape[1], device=device)


ALONE = Processes()


def join() -> Processes:
    """The processes that were started together with this one, by torchrun or by `--processes`; or it alone.

    Raises:
        ProcessesError: the others do not come.
    """
    if not dist.is_available():
        return ALONE
    size, local = int(os.environ.get("WORLD_SIZE", "1")), int(os.environ.get("LOCAL_RANK", "0"))
    meeting = os.environ.get(MEETING)
    if not dist.is_initialized():
        if size == 1 or "RANK" not in os.environ or not (meeting or "MASTER_ADDR" in os.environ):
            return ALONE
        with _reaching():
            dist.init_process_group(
                _backend(), f"file://{meeting}" if meeting else "env://", PATIENCE, size, int(os.environ["RANK"])
            )
        # its threads outlive no interpreter; atexit would not run in a process that multiprocessing has started
        Finalize(None, _leave, exitpriority=0)
    return Processes(dist.get_rank(), dist.get_world_size(), local)


def _leave() -> None:
    if dist.is_initialized():
        dist.destroy_process_group()


def _backend() -> str:
    # nccl takes one process a GPU; gloo is always there for what lies on the processor
    here = int(os.environ.get("LOCAL_WORLD_SIZE", "1"))
    own = torch.cuda.is_available() and dist.is_nccl_available() and here <= torch.cuda.device_count()
    return "cpu:gloo,cuda:nccl" if own else "gloo"


def _dense(gradient: Tensor) -> Tensor:
    return gradient.to_dense() if gradient.is_sparse else gradient


def _sum(flat: Tensor) -> None:
    with _reaching():
        dist.all_reduce(flat)


def _layout(buffer: Tensor | None) -> list[Any] | None:
    return None if buffer is None else [str(buffer.dtype).removeprefix("torch."), list(buffer.shape)]


def _reason(error: RuntimeError) -> str:
    """The first sentence of what torch says, without the place in its sources."""
    first = (str(error).splitlines() or [type(error).__name__])[0]
    return re.sub(r"^(\[[^\]]*\] )+", "", first).split(". ")[0]


@contextmanager
def _reaching() -> Iterator[None]:
    """What torch says when a process does not answer, as an error of ours.

    Raises:
        ProcessesError: one does not.
    """
    try:
        yield
    except RuntimeError as error:
        raise ProcessesError(f"another process of the run is gone: {_reason(error)}") from error
