"""Each claim in the README is run, or generated from the code."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.local.cloud import local_cloud
from tests.assemblies import synthesized
from tests.bench.core import event_of_2_kb
from tests.conftest import REPOSITORY, DemoRun, skip_unless_ci

README = (REPOSITORY / "README.md").read_text()
BLOCKS = re.findall(r"```\n(.*?)```", README, re.DOTALL)
LEDGER_LINES = [
    line for block in BLOCKS for line in block.splitlines() if line.startswith(".venv/bin/ledger ")
]
LINES_OF_THE_DEMO = [line for line in LEDGER_LINES if "build/demo" in line]


def ledger(demo: DemoRun, line: str) -> subprocess.CompletedProcess[str]:
    """Run a line of the README on what this session's demo left, with no state of the user's."""
    arguments = line.replace("build/demo", str(demo.build)).split()[1:]
    return subprocess.run(
        [sys.executable, "-m", "audit_ledger.cli", *arguments],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "XDG_STATE_HOME": str(demo.build / "state")},
    )


def test_the_demo_does_what_the_readme_says(demo: DemoRun) -> None:
    """It exits 0, and names the place of the byte that it flipped."""
    assert demo.exit_status == 0, demo.output
    assert re.search(r"entry-altered: tile/entries/[0-9x/.p]+: entry [0-9]+", demo.output)
    assert "All checks passed" in demo.output


def test_every_ledger_command_of_the_readme_succeeds(demo: DemoRun) -> None:
    """In the order shown, on what the demo published; those of the API are run below."""
    assert len(LINES_OF_THE_DEMO) == 3
    for line in LINES_OF_THE_DEMO:
        ran = ledger(demo, line)
        assert ran.returncode == 0, f"{line}: {ran.stdout}{ran.stderr}"


def test_exit_codes_are_those_of_the_readme(demo: DemoRun, tmp_path: Path) -> None:
    """0 verified, 1 failed, 3 incomplete, 2 usage."""
    published, policy = demo.build / "published/st-elsewhere", demo.build / "st-elsewhere.policy"
    tampered = demo.build / "tampered/st-elsewhere"
    missing = tmp_path / "missing"
    shutil.copytree(published, missing)
    (missing / "tile/entries/000").unlink()
    options = f"--policy {policy} --no-state"
    found = {
        "verified": ledger(demo, f"ledger verify {published} {options}").returncode,
        "failed": ledger(demo, f"ledger verify {tampered} {options}").returncode,
        "incomplete": ledger(demo, f"ledger verify {missing} {options}").returncode,
        "usage": ledger(demo, "ledger verify").returncode,
    }
    said = re.findall(r"([0-3]): (verified|failed|incomplete|usage)", README)
    assert found == {name: int(code) for code, name in said}


def test_the_demos_estimate_is_near_the_cost_that_the_readme_names(demo: DemoRun) -> None:
    """Within half of it: on a short day most patients are new, which costs; `make bench` counts."""
    (said,) = re.findall(r"\*\*\$([0-9.]+) per million events\*\*", README)
    (figures,) = re.findall(r"USD a million events +([0-9.]+) +[0-9.]+ +[0-9.]+", demo.output)
    assert 0.5 * float(said) < float(figures) < 1.5 * float(said)


def test_every_make_target_of_the_readme_is_there() -> None:
    """And what `make help` lists."""
    makefile = (REPOSITORY / "Makefile").read_text()
    targets = set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))
    named = set(re.findall(r"make ([a-z-]+)`", README)) | set(
        re.findall(r"^make ([a-z-]+)$", README, re.MULTILINE)
    )
    assert {"demo", "test", "local", "bench", "help"} <= named
    assert named <= targets


def links() -> Iterator[str]:
    """Every relative link and every path in code spans."""
    yield from (link for link in re.findall(r"\]\(([^)#]+)\)", README) if "://" not in link)
    yield from re.findall(r"`((?:docs|functions|shared|infra)/[\w./-]+)`", README)


@pytest.mark.parametrize("link", sorted(set(links())))
def test_every_place_that_the_readme_names_exists(link: str) -> None:
    """Links and paths."""
    assert (REPOSITORY / link).exists()


def test_the_readmes_requests_are_answered(tmp_path: Path) -> None:
    """curl, as shown, against the local API: 201 and a Location; then what was sent."""
    if not shutil.which("curl"):
        skip_unless_ci("no curl on this machine")
    send, ask = [block for block in BLOCKS if block.startswith("curl")]
    event = json.loads((REPOSITORY / "docs" / "event.json").read_text())
    with local_cloud(synthesized()) as cloud:

        def shell(command: str, token: str) -> str:
            ran = subprocess.run(
                ["bash", "-c", command],
                cwd=REPOSITORY,
                env={**os.environ, "URL": cloud.url, "TOKEN": token, "no_proxy": "*"},
                capture_output=True,
                text=True,
                check=False,
            )
            return ran.stdout

        sent = shell(send, cloud.tokens.portal("st-elsewhere", "ehr"))
        assert " 201 " in sent.splitlines()[0]
        assert "/auditevent/" in sent.lower().partition("location: http://")[2]
        cloud.drain()
        cloud.publish()
        found = json.loads(shell(ask, cloud.tokens.security("st-elsewhere")))
        (resource,) = [entry["resource"] for entry in found["entry"]]
        assert resource == {"id": resource["id"], **event}
        assert cloud.drain().batches  # asking is an event too


def test_the_readmes_request_is_accepted_then_found_and_proved(tmp_path: Path) -> None:
    """curl, as shown, against the local API: 201 and a Location; then the lines that ask for it."""
    if not shutil.which("curl"):
        skip_unless_ci("no curl on this machine")
    command = next(block for block in BLOCKS if block.startswith("curl"))
    (asking,) = [block for block in BLOCKS if block.startswith(".venv/bin/ledger search")]
    assert {*LINES_OF_THE_DEMO, *asking.splitlines()} == set(LEDGER_LINES)
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "event.json").write_bytes(event_of_2_kb(1))
    with local_cloud(synthesized()) as cloud:
        token = cloud.tokens.portal("st-elsewhere", "ehr")
        sent = shell(command, tmp_path, URL=cloud.url, TOKEN=token)
        assert " 201 " in sent.stdout.splitlines()[0]
        (event_id,) = re.findall(
            r"location: http://[^/]+/auditevent/([0-9a-f]{64})", sent.stdout.lower()
        )
        cloud.drain()
        cloud.publish()
        (tmp_path / "policy").write_bytes(cloud.policy("st-elsewhere"))
        asked = shell(
            asking.replace(".venv/bin/ledger", f"{sys.executable} -m audit_ledger.cli"),
            tmp_path,
            AUDIT_LEDGER_URL=cloud.url,
            AUDIT_LEDGER_TOKEN=cloud.tokens.security("st-elsewhere"),
            ID=event_id,
            POLICY="policy",
        )
    assert event_id in asked.stdout, asked.stdout + asked.stderr
    assert "1 event\n" in asked.stdout
    assert "it commits to this record and index row" in asked.stdout
    assert asked.returncode == 0


def shell(lines: str, folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run lines of the README as they are pasted, up to the first that fails."""
    return subprocess.run(
        ["bash", "-e", "-c", lines],
        cwd=folder,
        env={**os.environ, "no_proxy": "*", **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_settings_that_the_demo_deploys_are_those_of_cdk_json() -> None:
    """Two ledgers, three portals, as the README's paths assume."""
    context = json.loads((REPOSITORY / "cdk.json").read_text())["context"]["audit-ledger"]
    assert [entry["id"] for entry in context["ledgers"]] == ["st-elsewhere", "riverside-lab"]
    assert sum(len(entry["portals"]) for entry in context["ledgers"]) == 3
