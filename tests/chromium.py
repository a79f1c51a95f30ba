"""The browser that tests and pictures drive.

`python -m tests.chromium` gets one where there is none, and prints where it is. Chromium's headless
shell is preferred: the same engine without the windows around it, for half of the CPU time.
"""

import functools
import os
import shutil
import subprocess
import sys

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
SHELL = "chromium-headless-shell"
NAMES = (SHELL, "chromium", "chromium-browser", "google-chrome")
TRY_SECONDS = 30
GET_SECONDS = 600


@functools.cache
def executable() -> str | None:
    """Return the Chromium to start: that of `CHROMIUM`, the system's, Playwright's own, or None."""
    if named := os.environ.get("CHROMIUM"):
        return named
    found = (shutil.which(name) for name in NAMES)
    return next((path for path in found if path and _starts(path)), None) or _playwrights_own()


def main() -> int:
    """Get a headless Chromium: Debian's package where it can be installed, else the system's
    Chromium, else Playwright's."""
    named = os.environ.get("CHROMIUM") or shutil.which(SHELL)
    if not named and os.geteuid() == 0 and shutil.which("apt-get"):
        _get("apt-get", "update")
        _get("apt-get", "install", "--yes", "--no-install-recommends", SHELL)
    if executable() is None:
        _get(sys.executable, "-m", "playwright", "install", "chromium")
    path = executable()
    if path is None:
        sys.stderr.write("There is no Chromium, and none could be got: install one.\n")
        return 1
    sys.stdout.write(f"{path}\n")
    return 0


def _playwrights_own() -> str | None:
    # Asked in a process of its own: in this one, a test's event loop may be running.
    code = (
        "from playwright.sync_api import sync_playwright\n"
        "with sync_playwright() as it: print(it.chromium.executable_path)"
    )
    path = _output(sys.executable, "-c", code).strip()
    return path if path and _starts(path) else None


def _starts(path: str) -> bool:
    """Tell whether it is more than the placeholder that Ubuntu has under this name."""
    return "Chrom" in _output(path, "--version")


def _output(*command: str) -> str:
    """Return what a command prints, nothing where it fails."""
    try:
        return subprocess.run(
            command, capture_output=True, text=True, timeout=TRY_SECONDS, check=True
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return ""


def _get(*command: str) -> None:
    """Run a command whose failure shows in what is missing afterwards."""
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    try:
        subprocess.run(
            command, env=environment, stdout=sys.stderr, timeout=GET_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        sys.stderr.write(f"{command[0]} took more than {GET_SECONDS} s.\n")
    executable.cache_clear()


if __name__ == "__main__":
    sys.exit(main())
