"""ministack in a virtual environment and a process of its own, on 127.0.0.1."""

import hashlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar
from urllib.error import URLError
from urllib.request import urlopen

import boto3
from botocore.config import Config

HERE = Path(__file__).parent
REQUIREMENTS = HERE / "requirements.txt"
REGION = "eu-central-1"
ACCOUNT = "000000000000"  # ministack's own
SCHEDULE_MINUTE_SECONDS = 2
START_SECONDS = 60
POLL_SECONDS = 0.1
STOP_SECONDS = 10

T = TypeVar("T")


@dataclass(frozen=True)
class Emulator:
    """A running emulator. `log`: the file of its output."""

    python: Path
    port: int
    pid: int
    log: Path

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def environment(self) -> dict[str, str]:
        """Return the variables by which a command reaches it instead of AWS."""
        return {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_ACCESS_KEY_ID": ACCOUNT,
            "AWS_SECRET_ACCESS_KEY": "testing",
        }

    def client(self, service: Any) -> Any:
        return boto3.client(
            service,
            region_name=REGION,
            endpoint_url=self.url,
            aws_access_key_id=ACCOUNT,
            aws_secret_access_key="testing",
            config=Config(read_timeout=60, retries={"total_max_attempts": 1}),
        )

    def listening(self) -> set[str]:
        """Return the addresses on which its process listens, as in /proc (hex, reversed)."""
        sockets = {
            link.removeprefix("socket:[").removesuffix("]")
            for fd in Path(f"/proc/{self.pid}/fd").iterdir()
            if (link := os.readlink(fd)).startswith("socket:[")
        }
        listening = "0A"
        return {
            fields[1].rpartition(":")[0]
            for table in ("tcp", "tcp6")
            for line in Path(f"/proc/{self.pid}/net/{table}").read_text().splitlines()[1:]
            if (fields := line.split())[3] == listening and fields[9] in sockets
        }


def create_environment(folder: Path) -> Path:
    """Create the virtual environment, once for its requirements, and return its Python.

    Raise CalledProcessError if pip cannot install the locked packages.
    """
    expected = hashlib.sha256(REQUIREMENTS.read_bytes() + sys.version.encode()).hexdigest()
    python, created_for = folder / "bin" / "python", folder / "created-for"
    if created_for.is_file() and created_for.read_text() == expected:
        return python
    shutil.rmtree(folder, ignore_errors=True)
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    install = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    locked = ["--require-hashes", "--only-binary=:all:", "-r", str(REQUIREMENTS)]
    subprocess.run([python, *install, *locked], check=True, capture_output=True, text=True)
    created_for.write_text(expected)
    return python


@contextmanager
def run_emulator(python: Path, folder: Path) -> Iterator[Emulator]:
    """Run it with all its files in `folder`; end it and the functions that it started."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    log = folder / "ministack.log"
    with log.open("w") as output:
        process = subprocess.Popen(
            [python, HERE / "patched_ministack.py"],
            env={
                "PATH": os.environ["PATH"],
                "TMPDIR": str(folder),
                "GATEWAY_PORT": str(port),
                "MINISTACK_REGION": REGION,
                "SCHEDULE_MINUTE_SECONDS": str(SCHEDULE_MINUTE_SECONDS),
            },
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    emulator = Emulator(python, port, process.pid, log)
    try:
        _await_ready(emulator, process)
        yield emulator
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _await_ready(emulator: Emulator, process: "subprocess.Popen[bytes]") -> None:
    def is_ready() -> bool:
        if process.poll() is not None:
            raise TimeoutError
        try:
            with urlopen(f"{emulator.url}/_ministack/health"):
                return True
        except (URLError, ConnectionError):
            return False

    try:
        wait_until(is_ready, START_SECONDS)
    except TimeoutError as error:
        raise RuntimeError(f"ministack did not start:\n{emulator.log.read_text()}") from error


def wait_until(condition: Callable[[], T], seconds: float) -> T:
    """Return the first true result of `condition`. Raise TimeoutError after `seconds`.

    The only wait of these tests: functions, queues and schedules work in real time in other
    processes, which have no way to notify this one.
    """
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        if time.monotonic() > deadline:
            raise TimeoutError(f"not within {seconds} s")
        time.sleep(POLL_SECONDS)
    return value
