"""Picture of a report: `report.png`, the section of luck.

It requires Chromium on the PATH.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from evolve.api import run

ROOT = Path(__file__).parents[2]
SETTINGS = ("data.from=sample:sp500",)
WIDTH, HEIGHT = 1180, 620


def draw(browser: Browser, report: Path, path: Path) -> None:
    """Write the section of luck of a report as a picture."""
    page = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT})
    page.goto(report.resolve().as_uri())
    page.evaluate("document.getElementById('luck').scrollIntoView()")
    page.wait_for_timeout(2_000)
    page.screenshot(path=path)


def main() -> None:
    """Run the main experiment on sample prices, and draw its report."""
    chromium = shutil.which("chromium")
    if chromium is None:
        sys.exit("chromium is not on the PATH")
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        result = run(ROOT / "experiments" / "spy.yaml", SETTINGS, Path(folder) / "run")
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        draw(browser, result.folder / "report.html", Path(__file__).parent / "report.png")
        browser.close()


if __name__ == "__main__":
    main()
