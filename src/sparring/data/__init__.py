from sparring.data.dataset import Dataset
from sparring.data.framing import Channels
from sparring.data.inspection import Inspection, inspect
from sparring.data.opening import Fitted, open, read, read_fitted
from sparring.data.protocol import Data, Rows
from sparring.data.sources import BUILTIN
from sparring.data.unpaired import Unpaired
from sparring.data.viewed import Viewed, known_modes_in_view, viewed

__all__ = [
    "BUILTIN",
    "Channels",
    "Data",
    "Dataset",
    "Fitted",
    "Inspection",
    "Rows",
    "Unpaired",
    "Viewed",
    "inspect",
    "known_modes_in_view",
    "open",
    "read",
    "read_fitted",
    "viewed",
]
