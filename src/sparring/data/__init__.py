from sparring.data.cached import find
from sparring.data.dataset import Dataset
from sparring.data.derived import Holed, Reduced
from sparring.data.fitted import Fitted, read_fitted
from sparring.data.framing import Channels, Pairs
from sparring.data.inspection import Inspection, inspect
from sparring.data.ondemand import MapStyle, OnDemand
from sparring.data.opening import open, read, two_domains
from sparring.data.paired import Paired, is_paired, known_pairs
from sparring.data.protocol import Data, Rows
from sparring.data.sources import BUILTIN, Source, is_two_paths
from sparring.data.streaming import Stream
from sparring.data.unpaired import Unpaired
from sparring.data.viewed import Viewed, known_modes_in_view, viewed
from sparring.data.whole import Laid, laid_out, pictures_of, read_whole, with_alpha

__all__ = [
    "BUILTIN",
    "Channels",
    "Data",
    "Dataset",
    "Fitted",
    "Holed",
    "Inspection",
    "Laid",
    "MapStyle",
    "OnDemand",
    "Paired",
    "Pairs",
    "Reduced",
    "Rows",
    "Source",
    "Stream",
    "Unpaired",
    "Viewed",
    "find",
    "inspect",
    "is_paired",
    "is_two_paths",
    "known_modes_in_view",
    "known_pairs",
    "laid_out",
    "open",
    "pictures_of",
    "read",
    "read_fitted",
    "read_whole",
    "two_domains",
    "viewed",
    "with_alpha",
]
