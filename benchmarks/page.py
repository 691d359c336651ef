"""What a page to play with costs: its size, and the time from a slider's move to the picture, in headless Chromium.

python -m benchmarks.page runs/digits-default-1
"""

import argparse
import os
import shutil
import statistics
import tempfile
import time
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from benchmarks.record import record
from sparring.exporting import write_page
from sparring.workflows import existing, sampler

MOVES = 40

MOVE = """async (to) => {
  const [sheet, slider] = ["sheet", "direction0"].map((id) => document.getElementById(id));
  const drawn = sheet.dataset.drawn;
  const began = performance.now();
  slider.value = to;
  slider.dispatchEvent(new Event("input", { bubbles: true }));
  while (sheet.dataset.drawn === drawn) await new Promise(requestAnimationFrame);
  return performance.now() - began;
}"""


def opened(page: Page, path: Path) -> float:
    """Seconds until the first picture."""
    began = time.monotonic()
    page.goto(path.as_uri())
    while not page.locator("#sheet").get_attribute("data-drawn"):
        time.sleep(0.01)
    return time.monotonic() - began


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("run", type=Path)
    run: Path = arguments.parse_args().run
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as play:
        path = write_page(sampler(run), run.name, Path(folder) / "explore.html", tell=print)
        flags = ["--no-sandbox"] if os.geteuid() == 0 else []
        browser = play.chromium.launch(executable_path=shutil.which("chromium"), args=flags)
        page = browser.new_page()
        seconds = opened(page, path)
        found: dict[str, float] = {"megabytes": path.stat().st_size / 1e6, "seconds_to_open": seconds}
        for count in (1, 16, 64):
            page.get_by_label(str(count), exact=True).click()
            times = [page.evaluate(MOVE, 0.1 * (k % 20) - 1) for k in range(MOVES)]
            found |= {f"ms_{count}": statistics.median(times), f"ms_{count}_most": max(times)}
        browser.close()
    print(", ".join(f"{name} {value:.3g}" for name, value in found.items()))
    record("page", recipe=existing(run)[1].recipe, load=os.getloadavg()[0], moves=MOVES, **found)


if __name__ == "__main__":
    main()
