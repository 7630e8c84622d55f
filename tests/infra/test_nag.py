"""cdk-nag's AwsSolutions and HIPAA packs: what they find is acknowledged where it is, with reason.

That they pass is what the `prod` fixture stands for: synthesis fails otherwise. Here: that they do
find something, and that no acknowledgment is wider than what was found.
"""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from infra.assets.packaged_node import use_packaged_node
from tests.conftest import REPOSITORY
from tests.infra.assembly import SETTINGS, WRITER, Assembly

PACKS = {"AwsSolutions", "HIPAA.Security"}


@dataclass(frozen=True)
class Unacknowledged:
    """A synthesis that acknowledged nothing: its findings and acknowledgments."""

    findings: dict[str, set[tuple[str, str]]]
    acknowledged: list[tuple[str, str, str]]


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Unacknowledged:
    """A developer's stage: all that prod acknowledges, unreserved concurrency, a directory."""
    folder: Path = tmp_path_factory.mktemp("bare")
    context = json.loads((REPOSITORY / "cdk.json").read_text())["context"]
    settings = {**SETTINGS, "directory_writers": [WRITER]}
    context |= {"stage": "dev", "audit-ledger": settings, "aws:cdk:bundling-stacks": []}
    use_packaged_node()
    ran = subprocess.run(
        [sys.executable, "-m", "tests.infra.unacknowledged", str(folder / "acknowledged.json")],
        cwd=REPOSITORY,
        env={
            **os.environ,
            "CDK_OUTDIR": str(folder),
            "CDK_CONTEXT_JSON": json.dumps(context),
            "PYTHONPATH": os.pathsep.join([str(REPOSITORY), str(REPOSITORY / "shared")]),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    report = json.loads((folder / "validation-report.json").read_text())
    findings = {
        plugin["pluginName"]: {
            (construct["constructPath"], violation["ruleName"])
            for violation in plugin["violations"]
            for construct in violation["violatingConstructs"]
        }
        for plugin in report["pluginReports"]
    }
    return Unacknowledged(
        {name: found for name, found in findings.items() if name in PACKS},
        [tuple(each) for each in json.loads((folder / "acknowledged.json").read_text())],
    )


def test_both_packs_look_and_find(bare: Unacknowledged) -> None:
    """A pack that was not plugged in would find nothing."""
    assert set(bare.findings) == PACKS
    assert all(bare.findings.values())


def test_both_packs_pass_in_prod(prod: Assembly) -> None:
    """The fixture's synthesis would have failed; its report has no finding of theirs left."""
    report = json.loads((prod.folder / "validation-report.json").read_text())
    for plugin in report["pluginReports"]:
        assert plugin["pluginName"] not in PACKS or plugin["conclusion"] == "success"
        assert not [v for v in plugin["violations"] if v["severity"] == "error"]


def test_every_acknowledgment_answers_a_finding_on_its_construct(bare: Unacknowledged) -> None:
    """None is left over, and none covers more than one construct's own finding."""
    findings = set().union(*bare.findings.values())
    for path, rule, _ in bare.acknowledged:
        found = {p for p, r in findings if r == rule and (p == path or p.startswith(f"{path}/"))}
        assert len(found) == 1, f"{rule} on {path} answers {sorted(found) or 'nothing'}"


def test_every_finding_is_answered(bare: Unacknowledged) -> None:
    """Construct by construct: nothing is acknowledged for a whole stack or the app."""
    acknowledged = {(path, rule) for path, rule, _ in bare.acknowledged}
    for path, rule in set().union(*bare.findings.values()):
        parents = {path.rsplit("/", depth)[0] for depth in range(3)}
        assert any((parent, rule) in acknowledged for parent in parents), f"{rule} on {path}"
    stacks = {path for path, _, _ in bare.acknowledged if "/" not in path}
    assert not stacks


def test_every_reason_is_one_that_a_reviewer_can_judge(bare: Unacknowledged) -> None:
    """A sentence with the reason."""
    for path, rule, reason in bare.acknowledged:
        assert len(reason.split()) >= 8, f"{rule} on {path}: {reason}"
        assert reason.rstrip().endswith("."), f"{rule} on {path}: {reason}"
