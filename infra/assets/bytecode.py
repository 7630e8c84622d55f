"""Compiled bytecode for assets: without it, every cold start compiles all that it imports.

A `.pyc` file is of one Python version, so it takes an interpreter of that version, of any
patch release, since these share the format. Lambda's file system is read only: modules not compiled
here are compiled at every cold start (docs/decisions/0009-bytecode-in-assets.md).
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

_VERSION = "import sys; print('.'.join(map(str, sys.version_info[:2])))"


@cache
def interpreter_of(version: str) -> str | None:
    """Return a CPython `version` (`3.13`) of this machine, or None if none runs."""
    return next((found for found in _candidates(version) if _is(found, version)), None)


def compile_all(asset: Path, version: str) -> bool:
    """Compile every module of an asset for `version`. Return False if no interpreter is found.

    Unchecked: Python believes the file without a look at the source, whose time and size a zip may
    change. Paths in it are those on Lambda. One that does not compile is left to fail at import.
    """
    python = interpreter_of(version)
    if python is None:
        return False
    command = [python, "-I", "-m", "compileall", "-q", "--invalidation-mode", "unchecked-hash"]
    where = ["-s", str(asset), "-p", "/var/task", "-j", "1", str(asset)]
    subprocess.run([*command, *where], check=False, stdout=subprocess.DEVNULL)  # noqa: S603
    return True


def _candidates(version: str) -> Iterator[str]:
    if version == f"{sys.version_info.major}.{sys.version_info.minor}":
        yield sys.executable
    found = shutil.which(f"python{version}")
    if found is not None:
        yield found
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    yield from map(str, sorted(pyenv.glob(f"versions/{version}*/bin/python{version}")))


def _is(python: str, version: str) -> bool:
    ran = subprocess.run(  # noqa: S603  an interpreter found on this machine
        [python, "-I", "-c", _VERSION], capture_output=True, text=True, check=False
    )
    return ran.returncode == 0 and ran.stdout.strip() == version
