"""Installs the npm packages that these tests need, as the lock file says, once for each lock file."""

import hashlib
import os
import shutil
import subprocess
from pathlib import Path
from typing import Final

import pytest

HERE: Final = Path(__file__).parent
INSTALL_SECONDS: Final = 300


def installed_folder() -> Path:
    """Return a folder of the user's cache with `node_modules`; skips the test where node is not installed."""
    if not shutil.which("node") or not shutil.which("npm"):
        pytest.skip("node and npm are not installed")
    sources = [HERE / name for name in ("package.json", "package-lock.json", ".npmrc")]
    version = hashlib.sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()[:12]
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = cache / "hearth" / f"node-{version}"
    if not (folder / "node_modules" / ".package-lock.json").is_file():
        folder.mkdir(parents=True, exist_ok=True)
        for path in sources:
            shutil.copy(path, folder)
        command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=INSTALL_SECONDS)
        if done.returncode:
            pytest.fail(f"npm ci failed: {done.stderr[-2000:]}")
    return folder
