"""Every function's lock: hashed, of the same versions as the repository's, holding all imports."""

import re
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import pytest

from infra.assets.bundling import function_sources
from tests.conftest import REPOSITORY

FUNCTIONS = (
    "ingest",
    "query",
    "follower",
    "sequencer",
    "publisher",
    "published_files",
    "dead_letters",
)
_PIN = re.compile(r"^([A-Za-z0-9._-]+)==([^\s;\\]+)", re.MULTILINE)

START_AS_ON_LAMBDA = """
import importlib, importlib.metadata, sys
sources, function, *locked = sys.argv[1:]
owners = importlib.metadata.packages_distributions()

class OnlyWhatIsLocked:
    def find_spec(self, name, path=None, target=None):
        owned_by = {o.lower().replace("_", "-") for o in owners.get(name.partition(".")[0], [])}
        if owned_by and not owned_by & {*locked, "audit-ledger"}:
            raise ModuleNotFoundError(f"not in the lock: {name}", name=name)

sys.meta_path.insert(0, OnlyWhatIsLocked())
sys.path.insert(0, sources)
print(importlib.import_module(f"functions.{function}.handler").__file__)
print(importlib.import_module("audit_ledger").__file__)
"""


def pins(lock: Path) -> dict[str, str]:
    return dict(_PIN.findall(lock.read_text()))


def lock_of(function: str) -> Path:
    return REPOSITORY / "functions" / function / "requirements.txt"


@pytest.mark.parametrize("function", FUNCTIONS)
def test_versions_are_those_that_the_tests_ran_with(function: str) -> None:
    """What is deployed is what was tested."""
    tested, deployed = pins(REPOSITORY / "requirements.txt"), pins(lock_of(function))
    assert deployed
    assert deployed.items() <= tested.items()


@pytest.mark.parametrize("function", FUNCTIONS)
def test_every_requirement_has_hashes_and_no_index(function: str) -> None:
    """pip then takes nothing but what was locked."""
    text = lock_of(function).read_text()
    requirements = [r for r in re.split(r"\n(?=\S)", text) if r.strip()]
    assert len(requirements) == len(pins(lock_of(function)))
    assert all("--hash=sha256:" in requirement for requirement in requirements)
    assert "http" not in text


@pytest.mark.parametrize("function", FUNCTIONS)
def test_each_requirement_of_a_function_is_locked(function: str) -> None:
    """requirements.in names what the function uses; the lock adds what that needs."""
    listed = (REPOSITORY / "functions" / function / "requirements.in").read_text().split()
    assert set(listed) <= set(pins(lock_of(function)))


def start(function: str, locked: Iterable[str]) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [
            *(sys.executable, "-P", "-B", "-c", START_AS_ON_LAMBDA),
            *(str(function_sources(function)), function, *locked),
        ],
        capture_output=True,
        text=True,
        check=False,
        env={"AWS_DEFAULT_REGION": "eu-central-1"},
        cwd="/",
    )


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_starts_with_nothing_but_its_asset(function: str) -> None:
    """Its handler imports, from the asset's sources, with the packages of its lock alone."""
    ran = start(function, pins(lock_of(function)))
    assert ran.returncode == 0, ran.stderr
    handler, package = map(Path, ran.stdout.split())
    assert handler.is_relative_to(function_sources(function))
    assert package.is_relative_to(function_sources(function))


def test_a_missing_package_would_be_seen() -> None:
    """The check can fail: without msgspec in the lock, ingest does not start."""
    locked = set(pins(lock_of("ingest"))) - {"msgspec"}
    assert "not in the lock: msgspec" in start("ingest", locked).stderr
