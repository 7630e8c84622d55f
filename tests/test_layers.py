"""Imports run one way, and the pure core imports no AWS, no clock, no environment and no log."""

import ast
import sys
from pathlib import Path

import pytest

from tests.conftest import REPOSITORY

IMPURE = {"boto3", "botocore", "logging", "os", "time", "random", "secrets", "subprocess"}
PURE = (
    "tlog",
    "chain",
    "events",
    "search",
    "exports",
    "reports",
    "completeness",
    "detections",
    "views",
    "releases",
)
# Who may import whom, among our own packages; a package may always import itself.
ALLOWED = {
    "audit_ledger.tlog": {"audit_ledger"},
    "audit_ledger.ledger": {"audit_ledger", "audit_ledger.tlog"},
    "audit_ledger.events": {"audit_ledger"},
    "audit_ledger.records": {"audit_ledger", "audit_ledger.events"},
    "audit_ledger.http": {"audit_ledger", "audit_ledger.events"},
    "audit_ledger.fhir_versions": {"audit_ledger", "audit_ledger.events"},
    "audit_ledger.search": {
        "audit_ledger",
        "audit_ledger.events",
        "audit_ledger.records",
        "audit_ledger.fhir_versions",
    },
    "audit_ledger.exports": {"audit_ledger", "audit_ledger.events", "audit_ledger.records"},
    "audit_ledger.reports": {"audit_ledger", "audit_ledger.events", "audit_ledger.records"},
    "audit_ledger.sequence_gaps": {"audit_ledger", "audit_ledger.events", "audit_ledger.records"},
    "audit_ledger.detections": {"audit_ledger", "audit_ledger.events", "audit_ledger.records"},
    "audit_ledger.aws": {
        "audit_ledger",
        "audit_ledger.ledger",
        "audit_ledger.records",
        "audit_ledger.tlog",
        "audit_ledger.verify",
    },
    "audit_ledger.verify": {
        "audit_ledger",
        "audit_ledger.ledger",
        "audit_ledger.records",
        "audit_ledger.tlog",
    },
    "audit_ledger.reading": {
        "audit_ledger",
        "audit_ledger.aws",
        "audit_ledger.ledger",
        "audit_ledger.events",
        "audit_ledger.records",
    },
    "audit_ledger.views": {"audit_ledger", "audit_ledger.records"},
    "audit_ledger.recovery": {"audit_ledger", "audit_ledger.aws", "audit_ledger.ledger"},
    "audit_ledger": {"audit_ledger"},
    "functions": {"functions", "audit_ledger.*"},
    # Settings of the rules; the routes that functions answer.
    "infra": {"infra", "audit_ledger", "audit_ledger.detections", "audit_ledger.http"},
    "infra.local": {"infra", "functions", "audit_ledger.*"},
}


def modules() -> list[Path]:
    """Every module of ours but the tests."""
    found = [
        path
        for folder in ("shared/audit_ledger", "functions", "infra")
        for path in (REPOSITORY / folder).rglob("*.py")
    ]
    return sorted(found)


def name_of(path: Path) -> str:
    relative = path.relative_to(REPOSITORY).with_suffix("")
    parts = relative.parts[1:] if relative.parts[0] == "shared" else relative.parts
    return ".".join(parts).removesuffix(".__init__")


def package_of(module: str) -> str:
    """The layer that a module belongs to."""
    parts = module.split(".")
    if parts[0] == "audit_ledger":
        deep = len(parts) > 1 and (REPOSITORY / "shared" / "audit_ledger" / parts[1]).is_dir()
        return ".".join(parts[:2]) if deep else "audit_ledger"
    if parts[:2] == ["infra", "local"]:
        return "infra.local"
    return parts[0]


def imports_of(path: Path) -> set[str]:
    """Every module that a file imports, wherever in it, except for type checkers only."""
    found: set[str] = set()
    tree = ast.parse(path.read_text())
    typing_only = {
        id(child)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test)
        for child in ast.walk(node)
    }
    for node in ast.walk(tree):
        if id(node) in typing_only:
            continue
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: a relative import"
            found.add(node.module or "")
    return found


@pytest.mark.parametrize("path", modules(), ids=name_of)
def test_imports_run_one_way(path: Path) -> None:
    """functions → shared, infra → functions only locally, cli → what it shows."""
    package = package_of(name_of(path))
    if package == "audit_ledger.cli":
        return  # it shows everything of the package, and nothing imports it but itself
    allowed = ALLOWED[package] | {package}
    for imported in imports_of(path):
        if imported.split(".")[0] not in ("audit_ledger", "functions", "infra"):
            continue
        target = package_of(imported)
        fits = target in allowed or (
            "audit_ledger.*" in allowed and target.startswith("audit_ledger")
        )
        assert fits, f"{name_of(path)} imports {imported}"


@pytest.mark.parametrize("package", PURE)
def test_the_core_is_pure(package: str) -> None:
    """They are functions over values."""
    for path in (REPOSITORY / "shared" / "audit_ledger" / package).glob("*.py"):
        impure = {name for name in imports_of(path) if name.split(".")[0] in IMPURE}
        assert not impure, f"{path.name} imports {impure}"


def test_only_the_aws_package_calls_boto3() -> None:
    """The adapters are the only place; infra/local speaks to moto through it and plainly.

    Before there is anything deployed, infra/doctor asks an account; the settings know regions by
    botocore's tables.
    """
    before_deployment = ("infra.doctor", "infra.settings_places")
    for path in modules():
        package = package_of(name_of(path))
        if package in ("audit_ledger.aws", "infra.local"):
            continue
        if name_of(path).startswith(before_deployment):
            continue
        boto = {n for n in imports_of(path) if n.split(".")[0] in ("boto3", "botocore")}
        assert not boto, f"{name_of(path)} imports {boto}"


def test_the_check_itself_sees_imports() -> None:
    """A check that cannot fail is none: this very file imports ast and pytest."""
    assert {"ast", "pytest", "pathlib"} <= imports_of(Path(__file__))
    assert "ast" in sys.modules
