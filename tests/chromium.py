"""The browser that tests and pictures drive."""

import os
import shutil

# What it needs where there is no sandbox to have, and none of what it does on its own.
SWITCHES = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def executable() -> str | None:
    """Return the Chromium to start: that of `CHROMIUM`, the system's, or None for Playwright's own."""
    named = os.environ.get("CHROMIUM")
    found = (shutil.which(name) for name in ("chromium", "chromium-browser", "google-chrome"))
    return named or next((path for path in found if path), None)
