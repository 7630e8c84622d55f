"""Third-party FHIR clients, installed once, each used by a program.

A program reads one line of JSON, sends events, writes a line; reads a line once the events are
published, reads them back, writes a line.
"""

import hashlib
import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from tests.dynamodb_server.server import NODE, NPM

HERE = Path(__file__).parent
INSTALL_SECONDS = 600
SECONDS = 120

Step = Callable[[dict[str, Any]], Any]


class NotInstalledError(Exception):
    """Pinned packages could not be installed; the message is the installer's."""


def python_clients(folder: Path) -> Path:
    """Install Python's locked packages into a virtual environment; return its Python."""
    requirements = HERE / "requirements.txt"
    python = folder / "bin" / "python"

    def make() -> None:
        shutil.rmtree(folder, ignore_errors=True)
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        install: list[str | Path] = [
            python,
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
        ]
        _install([*install, "--require-hashes", "--only-binary=:all:", "-r", requirements], folder)

    once(folder / "made-for", requirements.read_bytes() + sys.version.encode(), make)
    return python


def node_clients(folder: Path) -> Path:
    """Install Node's locked packages; return the program, which must be beside them."""
    lock = HERE / "package-lock.json"

    def make() -> None:
        folder.mkdir(parents=True, exist_ok=True)
        for name in ("package.json", "package-lock.json"):
            shutil.copy(HERE / name, folder)
        _install([NODE, NPM, "ci", "--ignore-scripts", "--no-audit", "--no-fund"], folder)

    once(folder / "made-for", lock.read_bytes(), make)
    return Path(shutil.copy(HERE / "with_fhir_kit.mjs", folder))


def java_class_path(folder: Path, maven: str, pom: Path) -> str:
    """Have Maven fetch the dependencies of a POM; return their class path."""
    folder.mkdir(parents=True, exist_ok=True)
    class_path = folder / "class-path"
    plugin = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:build-classpath"

    def make() -> None:
        options: list[str | Path] = ["-f", pom, plugin, f"-Dmdep.outputFile={class_path}"]
        _install([maven, "--batch-mode", "--quiet", *options], folder)

    inputs = pom.read_bytes()
    once(folder / "made-for", inputs, make)
    if not all(Path(jar).is_file() for jar in class_path.read_text().split(":")):
        (folder / "made-for").unlink()  # Maven's own folder was emptied since
        once(folder / "made-for", inputs, make)
    return class_path.read_text()


def once(made_for: Path, inputs: bytes, make: Callable[[], None]) -> None:
    """Call `make`, unless the file states that it ran for the same inputs."""
    digest = hashlib.sha256(inputs).hexdigest()
    if not (made_for.is_file() and made_for.read_text() == digest):
        make()
        made_for.write_text(digest)


def converse(command: Sequence[str | Path], parameters: object, publish: Step) -> Any:
    """Run a program and return its second line; `publish` turns its first line into the reply.

    Raise AssertionError if it fails.
    """
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            process.stdin.write(json.dumps(parameters) + "\n")
            process.stdin.flush()
            first = process.stdout.readline()
            reply = json.dumps(publish(json.loads(first))) + "\n" if first else None
            output, errors = process.communicate(reply, timeout=SECONDS)
        finally:
            process.kill()
    assert process.returncode == 0, errors
    return json.loads(output)


def _install(command: Sequence[str | Path], folder: Path) -> None:
    ran = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, check=False, timeout=INSTALL_SECONDS
    )
    if ran.returncode:
        raise NotInstalledError((ran.stderr or ran.stdout).strip()[-500:])
