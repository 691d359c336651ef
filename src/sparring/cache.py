"""Where work that can be done again is kept between commands."""

import os
from pathlib import Path


def cache_folder() -> Path:
    """The user's cache folder for Sparring: `$XDG_CACHE_HOME/sparring`, or `~/.cache/sparring`; perhaps not made yet.

    Whatever lies in it may be deleted at any time.
    """
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "sparring"
