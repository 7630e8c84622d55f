"""Assets: what is in them, and that the same sources give the same asset."""

from pathlib import Path

import pytest

from infra.bundling import KEPT_SERVICES, function_sources, hash_of, strip
from tests.conftest import REPOSITORY

FUNCTIONS = tuple(
    sorted(p.parent.name for p in (REPOSITORY / "functions").glob("*/requirements.txt"))
)
OF_FEW = {
    "cli": (),  # the command's alone
    "completeness": ("follower", "query"),
    "detections": ("follower",),
    "exports": ("query",),
    "reading": ("follower", "query"),  # who opens records
    "recovery": (),
    "reports": ("query",),
    "search": ("ingest", "query"),  # ingest says what can be searched
    "verify": ("follower", "query"),  # query makes receipts; both read what is published
}
"""Packages that not every function has, and who has them."""


@pytest.mark.parametrize("name", FUNCTIONS)
def test_an_asset_holds_only_what_matters(name: str) -> None:
    """Its folder, the package without what only others use; no caches, no other function."""
    sources = function_sources(name)
    assert {p.name for p in sources.iterdir()} == {"functions", "audit_ledger"}
    assert {p.name for p in (sources / "functions").iterdir()} == {"__init__.py", name}
    assert (sources / "functions" / name / "requirements.txt").is_file()
    kept = {p.name for p in (sources / "audit_ledger").iterdir() if p.is_dir()}
    everything = {
        p.name
        for p in (REPOSITORY / "shared" / "audit_ledger").iterdir()
        if p.is_dir() and p.name != "__pycache__"
    }
    assert everything >= OF_FEW.keys()
    assert kept == everything - {package for package, few in OF_FEW.items() if name not in few}
    assert not list(sources.rglob("__pycache__"))


@pytest.mark.parametrize("name", FUNCTIONS)
def test_our_own_part_of_an_asset_is_small(name: str) -> None:
    """What pip adds is locked; ours is text, read whole at a cold start: below a megabyte."""
    sizes = [f.stat().st_size for f in function_sources(name).rglob("*") if f.is_file()]
    assert 100_000 < sum(sizes) < 1_000_000


@pytest.mark.parametrize("package", ["reading", "verify"])
def test_who_opens_records_alone_carries_what_opens_and_verifies(package: str) -> None:
    """Query makes receipts with the verifier; the sequencer, say, has nothing to open with."""
    carried = {
        name for name in FUNCTIONS if (function_sources(name) / "audit_ledger" / package).exists()
    }
    assert carried == {"follower", "query"}


def test_the_hash_is_of_paths_and_bytes(tmp_path: Path) -> None:
    """A changed byte, a moved file and a moved boundary between files each give another asset."""

    def asset(files: dict[str, str]) -> str:
        folder = tmp_path / str(len(list(tmp_path.iterdir())))
        for name, text in files.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text)
        return hash_of(folder)

    first = asset({"a.py": "1", "b/c.py": "23"})
    assert asset({"b/c.py": "23", "a.py": "1"}) == first
    others = [
        asset({"a.py": "2", "b/c.py": "23"}),
        asset({"a.py": "1", "c.py": "23"}),
        asset({"a.py": "12", "b/c.py": "3"}),
        asset({"a.py": "1"}),
    ]
    assert len({first, *others}) == 5


def test_stripping_leaves_nothing_of_the_build_machine(tmp_path: Path) -> None:
    """Scripts and records name paths of the machine; caches name its Python."""
    for name in (
        "bin/tool",
        "x/__pycache__/x.pyc",
        "x-1.dist-info/RECORD",
        "x-1.dist-info/METADATA",
        "x/x.pyi",
        "x/x.py",
        "botocore/data/ec2/service-2.json.gz",
        "botocore/data/endpoints.json",
        "zstandard/_cffi.cpython-313-aarch64-linux-gnu.so",
        "zstandard/backend_c.cpython-313-aarch64-linux-gnu.so",
        *(f"botocore/data/{service}/service-2.json.gz" for service in KEPT_SERVICES),
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    strip(tmp_path)
    left = {str(p.relative_to(tmp_path)) for p in tmp_path.rglob("*") if p.is_file()}
    assert left == {
        "x-1.dist-info/METADATA",
        "x/x.py",
        "botocore/data/endpoints.json",
        "zstandard/backend_c.cpython-313-aarch64-linux-gnu.so",
        *(f"botocore/data/{service}/service-2.json.gz" for service in KEPT_SERVICES),
    }


def test_botocore_keeps_every_service_that_our_clients_name() -> None:
    """A client of a service that was stripped would fail only on AWS."""
    clients = (REPOSITORY / "shared" / "audit_ledger" / "aws" / "clients.py").read_text()
    named = {part.partition('"')[0] for part in clients.split('boto3.client("')[1:]}
    assert named
    assert named <= KEPT_SERVICES
