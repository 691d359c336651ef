"""An earlier revision of this tree, for as long as it is compared with."""

import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

HERE = Path(__file__).parents[1]


@contextmanager
def checked_out(revision: str) -> Iterator[Path]:
    """A worktree of that revision; this tree where there is none."""
    if not revision:
        yield HERE
        return
    worktree = ["git", "-C", str(HERE), "worktree"]
    with tempfile.TemporaryDirectory() as folder:
        earlier = Path(folder) / "tree"
        subprocess.run([*worktree, "add", "--quiet", "--detach", str(earlier), revision], check=True)
        try:
            yield earlier
        finally:
            subprocess.run([*worktree, "remove", "--force", str(earlier)], check=True)
