from sparring.data.dataset import Dataset
from sparring.data.inspection import Inspection, inspect
from sparring.data.opening import open, read
from sparring.data.sources import BUILTIN
from sparring.data.spec import DataSpec
from sparring.data.unpaired import Unpaired

__all__ = ["BUILTIN", "DataSpec", "Dataset", "Inspection", "Unpaired", "inspect", "open", "read"]
