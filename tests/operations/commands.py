"""Commands of ``python -m core`` in processes of their own, which are copies of one that has loaded
the product: loading it is most of what a command costs.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from multiprocessing import get_context
from pathlib import Path

from core.__main__ import main
from core.platform.settings import settings

LONGEST_S = 120
copies = get_context("forkserver")
copies.set_forkserver_preload([__name__, "core.operations.backup", "core.operations.doctor"])


def run(
    arguments: Sequence[str], environment: Mapping[str, str], stdin: str, folder: Path
) -> tuple[int, str, str]:
    """The exit code of a command, what it wrote to standard output and what to standard error."""
    files = [folder / name for name in ("in", "out", "err")]
    files[0].write_text(stdin)
    process = copies.Process(target=_command, args=(arguments, dict(environment), files))
    process.start()
    process.join(LONGEST_S)
    code = process.exitcode
    assert code is not None, arguments
    process.close()
    return code, files[1].read_text(), files[2].read_text()


def _command(arguments: Sequence[str], environment: dict[str, str], files: list[Path]) -> None:
    for descriptor, file in enumerate(files):
        os.dup2(os.open(file, os.O_RDWR | os.O_CREAT), descriptor)
    sys.stdin, sys.stdout, sys.stderr = open(0), open(1, "w"), open(2, "w")  # noqa: SIM115
    os.environ.clear()
    os.environ.update(environment)
    settings.cache_clear()
    sys.exit(main(arguments))
