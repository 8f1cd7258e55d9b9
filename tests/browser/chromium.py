"""Finds a Chromium for the browser tests: Debian's where installed, else Playwright's own download, else none.

Run with --download it tries that download where none is found, and says what came of it.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

MISSING = "no Chromium: install Debian's package chromium, or let `playwright install chromium` download one"


def find() -> str | None:
    """The path of a Chromium, or None."""
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if path := shutil.which(name):
            return path
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        path = playwright.chromium.executable_path
        return path if Path(path).exists() else None


def main() -> None:
    """Say which Chromium the tests will use; with --download get one where there is none."""
    if find() is None and "--download" in sys.argv:
        subprocess.run([sys.executable, "-m", "playwright", "install", "chromium"], check=False, timeout=600)
    print(f"browser tests: {find() or 'skipped, ' + MISSING}")


if __name__ == "__main__":
    main()
