"""`python -m tests.deploy.packages`: installs what docs/deploy.md needs and is missing here."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from tests.demo_process import ROOT

# Programs, and the packages of Debian that have them.
PACKAGES = {
    "nginx": "nginx",
    "initdb": "postgresql",
    "openssl": "openssl",
    "curl": "curl",
    "systemd-analyze": "systemd",
    "runuser": "util-linux",
}
# Debian's own: other users could not start one that lies in somebody's home.
PYTHON = "/usr/bin/python3"
SHELL_FOLDER = ROOT / ".mongosh"


def find(name: str) -> str | None:
    """Return a program's path, from PATH or Debian's folders outside it; None if it is missing."""
    hidden = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: path.parent.name)
    places = [SHELL_FOLDER / "node_modules" / ".bin", *reversed(hidden), Path("/usr/sbin")]
    path = os.pathsep.join([os.environ.get("PATH", ""), *map(str, places)])
    return shutil.which(name, path=path)


def missing() -> list[str]:
    """Return the missing programs."""
    return [name for name in (*PACKAGES, "mongosh") if find(name) is None]


def _makes_environments() -> bool:
    """Tell whether Debian's Python is here, with what `-m venv` needs."""
    if not Path(PYTHON).exists():
        return False
    check = [PYTHON, "-c", "import ensurepip"]
    return subprocess.run(check, capture_output=True, check=False).returncode == 0


def main() -> str | None:
    """Install the missing packages; return the reason if that fails."""
    if os.geteuid() != 0:
        return "make test-deploy needs root: it installs packages, and servers run as others."
    packages = sorted({PACKAGES[name] for name in missing() if name in PACKAGES})
    if not _makes_environments():
        packages.append("python3-venv")
    if packages:
        if not shutil.which("apt-get"):
            return f"There is no apt-get here: install {', '.join(packages)} first."
        quiet = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
        install = ["apt-get", "install", "--yes", "--no-install-recommends", *packages]
        for command in (["apt-get", "update"], install):
            if subprocess.run(command, env=quiet, check=False).returncode:
                return f"apt-get could not install {', '.join(packages)}."
    if "mongosh" in missing():
        if not shutil.which("npm"):
            return "There is neither mongosh nor npm here: install one of them first."
        command = ["npm", "install", "--prefix", str(SHELL_FOLDER), "mongosh@2"]
        if subprocess.run(command, check=False).returncode:
            return "npm could not install mongosh."
    return None


if __name__ == "__main__":
    sys.exit(main())
