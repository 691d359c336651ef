from contextlib import contextmanager

import pytest
import torch

from sparring.devices import choose_device, choose_precision, choose_threads, forked, seed_global, threads
from sparring.errors import UserError

CPU, CUDA, MPS = (torch.device(kind) for kind in ("cpu", "cuda", "mps"))


@pytest.fixture
def here(monkeypatch):
    def have(cuda: bool, mps: bool) -> None:
        monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda)
        monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)

    return have


@pytest.mark.parametrize(
    ("cuda", "mps", "kind"), [(True, True, "cuda"), (False, True, "mps"), (False, False, "cpu"), (True, False, "cuda")]
)
def test_auto_takes_the_fastest_there_is(here, cuda, mps, kind):
    here(cuda, mps)
    assert choose_device("auto").type == kind
    assert choose_device("cpu") == CPU


def test_a_device_may_be_numbered(here):
    here(True, False)
    assert choose_device("cuda:1") == torch.device("cuda", 1)


@pytest.mark.parametrize("name", ["cuda", "cuda:0", "mps"])
def test_a_device_that_is_not_here_is_refused(here, name):
    here(False, False)
    with pytest.raises(UserError, match=f"no {name.split(':')[0]} device here .*--device cpu"):
        choose_device(name)


@pytest.mark.parametrize("name", ["cdua", "gpu", "", "cpu:abc", "cpu:-3"])
def test_a_device_that_does_not_exist_is_refused(here, name):
    here(True, True)
    with pytest.raises(UserError, match=f"no device '{name}'"):
        choose_device(name)


def test_a_mistyped_device_gets_a_suggestion():
    with pytest.raises(UserError, match="did you mean cuda"):
        choose_device("cdua")


@pytest.mark.parametrize(("name", "dtype"), [("float32", torch.float32), ("bfloat16", torch.bfloat16)])
@pytest.mark.parametrize("pictures", [True, False])
def test_a_named_precision_is_taken_at_its_word(name, dtype, pictures):
    assert choose_precision(name, CPU, pictures) == dtype
    assert choose_precision(name, MPS, pictures) == dtype


@pytest.mark.parametrize(
    ("capabilities", "dtype"),
    [
        ({"avx2": True}, torch.float32),
        ({"avx512_bf16": True}, torch.bfloat16),
        ({"avx512_bf16": False, "amx_bf16": True}, torch.bfloat16),
        ({"avx512_bf16": False, "amx_bf16": False}, torch.float32),
    ],
)
def test_auto_takes_bfloat16_for_pictures_on_a_processor_that_computes_in_it(monkeypatch, capabilities, dtype):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: capabilities)
    assert choose_precision("auto", CPU, pictures=True) == dtype
    assert choose_precision("auto", CPU, pictures=False) == torch.float32


@pytest.mark.parametrize(("native", "dtype"), [(True, torch.bfloat16), (False, torch.float32)])
def test_auto_does_not_count_emulated_bfloat16_on_cuda(monkeypatch, native, dtype):
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation=True: including_emulation or native)
    assert choose_precision("auto", CUDA, pictures=True) == dtype


def test_auto_stays_in_float32_on_mps():
    assert choose_precision("auto", MPS, pictures=True) == torch.float32


class FakeGPUs:
    """Two GPUs with a random state each, the second of them current, in place of torch's own functions."""

    def __init__(self, monkeypatch, kind: str) -> None:
        self.current, self.states, self.touched = 1, [10, 11], set()
        module = getattr(torch, kind)
        monkeypatch.setattr(module, "manual_seed", self.seed)
        monkeypatch.setattr(module, "get_rng_state", self.get)
        monkeypatch.setattr(module, "set_rng_state", self.set)
        if kind == "cuda":
            monkeypatch.setattr(torch.cuda, "device", self.made_current)

    def index(self, device=None) -> int:
        found = self.current if device is None or device.index is None else device.index
        self.touched.add(found)
        return found

    @contextmanager
    def made_current(self, device):
        before, self.current = self.current, self.index(device)
        yield
        self.current = before

    def seed(self, seed):
        self.states[self.index()] = seed

    def get(self, device=None):
        return torch.tensor(self.states[self.index(device)])

    def set(self, state, device=None):
        self.states[self.index(device)] = state.item()


@pytest.mark.parametrize(("device", "index"), [("cuda:0", 0), ("cuda", 1), ("mps", 1)])
def test_the_runs_own_device_is_seeded_and_put_back_and_no_other_is_touched(monkeypatch, device, index):
    device = torch.device(device)
    gpus = FakeGPUs(monkeypatch, device.type)
    processor = torch.get_rng_state()
    with forked(device):
        seed_global(77, device)
        assert gpus.states == [77 if k == index else before for k, before in enumerate([10, 11])]
        assert torch.initial_seed() == 77
        gpus.states[index] = 78  # drawing moves the state on
    assert gpus.states == [10, 11]
    assert gpus.touched == {index}
    assert torch.equal(torch.get_rng_state(), processor)


def test_on_the_processor_no_gpu_is_touched(monkeypatch):
    cuda, mps = FakeGPUs(monkeypatch, "cuda"), FakeGPUs(monkeypatch, "mps")
    with forked(CPU):
        seed_global(77, CPU)
    assert not cuda.touched | mps.touched


@pytest.mark.parametrize(
    ("asked", "device", "numbers", "count"),
    [(3, CPU, 64, 3), (None, CPU, 64, 1), (None, CPU, 4097, 7), (None, CUDA, 10**6, 1), (2, CUDA, 10**6, 2)],
)
def test_small_batches_are_played_by_one_thread(monkeypatch, asked, device, numbers, count):
    monkeypatch.setattr(torch, "get_num_threads", lambda: 7)
    assert choose_threads(asked, device, numbers) == count


def test_the_number_of_threads_is_put_back():
    before = torch.get_num_threads()
    with pytest.raises(KeyError), threads(before + 1):
        assert torch.get_num_threads() == before + 1
        raise KeyError
    assert torch.get_num_threads() == before
    with threads(None):
        assert torch.get_num_threads() == before
