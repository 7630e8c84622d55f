"""The verifier needs two other packages, and each further use an extra."""

import json
import os
import subprocess
import sys
import tomllib

import pytest

from audit_ledger.cli.main import EXTRAS
from tests.cli.published_ledger import Workspace
from tests.conftest import REPOSITORY

CORE = ("tlog", "ledger", "verify")
WITHOUT = """
import importlib, pkgutil, sys
class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {absent!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
sys.meta_path.insert(0, Absent())
"""
EVERY_MODULE = """
for package in {packages!r}:
    folder = importlib.import_module("audit_ledger." + package).__path__
    for module in pkgutil.iter_modules(folder, f"audit_ledger.{{package}}."):
        if module.name not in {but!r}:
            importlib.import_module(module.name)
"""
COMMAND = """
from audit_ledger.cli.main import main
main({arguments!r})
"""


def run_without(absent: set[str], code: str) -> subprocess.CompletedProcess[str]:
    """Run Python code as if these packages were not installed."""
    environment = os.environ | {"PYTHONPATH": str(REPOSITORY / "shared")}
    return subprocess.run(
        [sys.executable, "-c", WITHOUT.format(absent=absent) + code],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_verifier_imports_no_optional_package() -> None:
    """This applies to every module but the one that reads remote ledgers."""
    code = EVERY_MODULE.format(packages=CORE, but={"audit_ledger.verify.http_source"})
    done = run_without({*EXTRAS, "boto3"}, code)
    assert (done.returncode, done.stderr) == (0, "")


def test_the_client_imports_what_its_extra_installs() -> None:
    """It imports no package for AWS or the command line."""
    absent = {"boto3", *(package for package, extra in EXTRAS.items() if extra != "client")}
    done = run_without(absent, EVERY_MODULE.format(packages=("client",), but=set()))
    assert (done.returncode, done.stderr) == (0, "")


def test_each_optional_package_is_in_the_extra_that_is_named() -> None:
    """pyproject.toml defines the extras."""
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    extras = {
        extra: {requirement.partition(">")[0] for requirement in requirements}
        for extra, requirements in project["optional-dependencies"].items()
    }
    assert set.union(*extras.values()) == EXTRAS.keys()
    assert all(package in extras[extra] for package, extra in EXTRAS.items())
    assert extras["client"] <= extras["cli"]


@pytest.mark.parametrize(
    ("absent", "source", "message"),
    [
        ("click", None, "click is not installed: install audit-ledger[cli]"),
        ("botocore", "s3://bucket/prefix", "botocore is not installed: install audit-ledger[aws]"),
        ("urllib3", "https://x.test", "urllib3 is not installed: install audit-ledger[client]"),
    ],
)
def test_verify_names_the_extra_that_is_missing(
    workspace: Workspace, absent: str, source: str | None, message: str
) -> None:
    """It is one line and one JSON object, with the exit code of usage errors."""
    arguments = [
        "verify",
        source or str(workspace.ledger),
        "--policy",
        str(workspace.policy),
        "--no-state",
    ]
    done = run_without({absent}, COMMAND.format(arguments=[*arguments, "--json"]))
    assert (done.returncode, done.stderr) == (2, f"ledger: {message}\n")
    assert json.loads(done.stdout) == {"error": message, "exit_code": 2}


def test_a_folder_is_verified_with_the_command_line_alone(workspace: Workspace) -> None:
    """The packages for AWS, tables and HTTP are not needed."""
    arguments = ["verify", str(workspace.ledger), "--policy", str(workspace.policy), "--no-state"]
    done = run_without(EXTRAS.keys() - {"click"}, COMMAND.format(arguments=arguments))
    assert (done.returncode, done.stderr) == (0, "")
