import importlib.machinery
import sys
import types

import pytest


@pytest.fixture(scope="session", autouse=True)
def a_torchvision_that_loads():
    """torch-fidelity and torchmetrics import torchvision, of which the arithmetic compared here uses nothing."""
    try:
        import torchvision  # noqa: F401
    except (ImportError, RuntimeError):
        for name in [name for name in sys.modules if name.split(".")[0] == "torchvision"]:
            del sys.modules[name]
        for name in ("torchvision", *(f"torchvision.{part}" for part in ("datasets", "models", "transforms"))):
            stub(name)
        stub("torchvision.transforms.functional")


def stub(name: str) -> None:
    module = types.ModuleType(name)
    module.__spec__ = importlib.machinery.ModuleSpec(name, None)
    module.__path__ = []
    module.__dict__["__version__"] = "0"
    module.__dict__["__getattr__"] = missing
    sys.modules[name] = module
    parent, _, leaf = name.rpartition(".")
    if parent:
        setattr(sys.modules[parent], leaf, module)


def missing(name: str) -> type:
    if name.startswith("__"):
        raise AttributeError(name)
    return type(name, (), {})
