"""From a run directory to one self-contained HTML page: `sparring.report`."""

from pathlib import Path

from sparring.errors import UserError, writing
from sparring.reporting.document import write
from sparring.reporting.page import page
from sparring.reporting.story import gather


def report(run: str | Path, out: str | Path | None = None) -> Path:
    """Write what a run directory says as one HTML file that needs no network and no other file.

    Args:
        run: the run directory.
        out: the file, `.html`; by default `report.html` in the run directory.

    Returns:
        The file.

    Raises:
        UserError: there is no run at that path, or the file cannot be written.
    """
    path = Path(out) if out is not None else Path(run) / "report.html"
    if path.suffix.lower() != ".html":
        raise UserError(f"--out {path}: cannot write a page as {path.suffix or 'that'}", "a name in .html")
    with writing(path):
        if path.is_dir():
            raise UserError(f"--out {path} is a folder", "name a file in it")
    write(page(gather(run)), path)
    return path
