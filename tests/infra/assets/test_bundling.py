"""Assets: what is in them, and that the same sources give the same asset."""

import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from zstandard import backend_c  # type: ignore[attr-defined]

from infra.assets.bundling import KEPT_SERVICES, Platform, function_sources, hash_of, strip
from infra.assets.bytecode import compile_all, interpreter_of
from infra.assets.debug_info import strip_debug_info
from infra.assets.sbom import write_bill
from tests.conftest import REPOSITORY

FUNCTIONS = tuple(
    sorted(p.parent.name for p in (REPOSITORY / "functions").glob("*/requirements.txt"))
)
OF_FEW = {
    "cli": (),  # the command's alone
    "client": (),  # of outside programs
    "sequence_gaps": ("follower", "query"),
    "detections": ("follower",),
    "exports": ("query",),
    "reading": ("follower", "query"),  # who opens records
    "recovery": (),
    "reports": ("query",),
    "runs": ("publisher",),
    "search": ("ingest", "query"),  # ingest states what can be searched
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
    packages = {p.name for p in (sources / "audit_ledger").iterdir() if p.is_dir()}
    everything = {
        p.name
        for p in (REPOSITORY / "shared" / "audit_ledger").iterdir()
        if p.is_dir() and p.name != "__pycache__"
    }
    assert everything >= OF_FEW.keys()
    assert packages == everything - {package for package, few in OF_FEW.items() if name not in few}
    assert not list(sources.rglob("__pycache__"))


@pytest.mark.parametrize("name", FUNCTIONS)
def test_our_own_part_of_an_asset_is_small(name: str) -> None:
    """Without what pip adds, which is locked, an asset is below a megabyte."""
    files = [f for f in function_sources(name).rglob("*") if f.name != "requirements.txt"]
    sizes = [f.stat().st_size for f in files if f.is_file()]
    assert 100_000 < sum(sizes) < 1_000_000


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_bundle_contains_every_module_that_its_function_imports(name: str) -> None:
    """The handler is imported where no other module of this project is."""
    sources = function_sources(name)
    code = f"import functions.{name}.handler, audit_ledger; print(audit_ledger.__file__)"
    ran = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path[:0] = [{str(sources)!r}]; {code}"],
        cwd=sources,
        env={**os.environ, "PYTHONPATH": "", "POWERTOOLS_METRICS_NAMESPACE": "test"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.startswith(str(sources))


@pytest.mark.parametrize("package", ["reading", "verify"])
def test_only_functions_that_open_records_include_reading_and_verify(package: str) -> None:
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
    named = {part.partition('"')[0] for part in clients.split('_client("')[1:]}
    assert named
    assert named <= KEPT_SERVICES


HERE = f"{sys.version_info.major}.{sys.version_info.minor}"


def test_modules_are_compiled_and_believed_without_their_source(tmp_path: Path) -> None:
    """Flags 1: hash-based and unchecked (PEP 552); of this Python; with the path on Lambda."""
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "b.py").write_text("def c(): return 41 + 1\n")
    (tmp_path / "broken.py").write_text("def\n")
    assert compile_all(tmp_path, HERE)
    compiled = Path(importlib.util.cache_from_source(str(tmp_path / "a" / "b.py")))
    data = compiled.read_bytes()
    assert data[:4] == importlib.util.MAGIC_NUMBER
    assert int.from_bytes(data[4:8], "little") == 1
    assert b"/var/task/a/b.py" in data
    assert str(tmp_path).encode() not in data
    (tmp_path / "a" / "b.py").write_text("raise AssertionError('it was compiled anew')\n")
    command = [sys.executable, "-I", "-S", "-B", "-c"]
    code = f"import sys; sys.path.insert(0, {str(tmp_path)!r}); import a.b; print(a.b.c())"
    ran = subprocess.run([*command, code], capture_output=True, text=True, check=False)
    assert ran.stdout == "42\n", ran.stderr


def test_compiling_twice_gives_the_same_bytes(tmp_path: Path) -> None:
    """The same sources are the same asset, whenever and wherever they are compiled."""
    shown = []
    for place in ("one", "two"):
        folder = tmp_path / place
        shutil.copytree(function_sources("ingest"), folder)
        assert compile_all(folder, HERE)
        files = sorted(folder.rglob("*.pyc"))
        shown.append({str(f.relative_to(folder)): f.read_bytes() for f in files})
    assert shown[0] == shown[1]
    assert len(shown[0]) > 50


def test_without_an_interpreter_of_that_version_nothing_is_compiled(tmp_path: Path) -> None:
    """Bytecode of another version would be of no use; the asset then has another hash."""
    assert interpreter_of("2.0") is None
    (tmp_path / "a.py").write_text("")
    assert not compile_all(tmp_path, "2.0")
    assert not list(tmp_path.rglob("*.pyc"))
    assert Platform(HERE).rules.endswith(" compiled")
    assert not Platform("2.0").rules.endswith(" compiled")


def test_an_interpreter_is_of_the_requested_version() -> None:
    """Whatever it is called: a shim that runs another Python is not taken."""
    assert interpreter_of(HERE) == sys.executable


def test_a_library_without_its_debug_information_still_loads(tmp_path: Path) -> None:
    """zstandard's is a tenth without: what is left is what the loader maps."""
    whole = Path(backend_c.__file__)
    cut = tmp_path / whole.name
    cut.write_bytes(whole.read_bytes())
    strip_debug_info(cut)
    assert cut.stat().st_size < whole.stat().st_size / 4
    code = f"""
import importlib.util, sys
spec = importlib.util.spec_from_file_location("zstandard.backend_c", {str(cut)!r})
module = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)
data = b"audit" * 1000
print(module.ZstdDecompressor().decompress(module.ZstdCompressor().compress(data)) == data)
"""
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert ran.stdout == "True\n", ran.stderr
    once = cut.read_bytes()
    strip_debug_info(cut)
    assert cut.read_bytes() == once


def test_a_file_that_is_no_library_is_unchanged(tmp_path: Path) -> None:
    """A linker script is text, and may be named as a library is."""
    script = tmp_path / "libx.so"
    script.write_text("INPUT(-lx)")
    strip_debug_info(script)
    assert script.read_text() == "INPUT(-lx)"


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_bill_of_materials_names_what_the_lock_does(name: str, tmp_path: Path) -> None:
    """Each package with version and hashes, as CycloneDX JSON."""
    lock = REPOSITORY / "functions" / name / "requirements.txt"
    written = tmp_path / "bill.json"
    write_bill(lock, written)
    bill = json.loads(written.read_text())
    assert (bill["bomFormat"], bill["metadata"]["component"]["name"]) == (
        "CycloneDX",
        "audit-ledger",
    )
    pinned = set(re.findall(r"^([\w.-]+)==([^\s;\\]+)", lock.read_text(), re.MULTILINE))
    assert {(c["name"], c["version"]) for c in bill["components"]} == pinned
    hashes = set(re.findall(r"sha256:([0-9a-f]{64})", lock.read_text()))
    assert hashes == {
        each["content"]
        for component in bill["components"]
        for reference in component["externalReferences"]
        for each in reference.get("hashes", ())
    }
    assert str(tmp_path) not in written.read_text()


def test_the_same_lock_gives_the_same_bill(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the time, and wherever it lies: an asset's bytes are those of its sources."""
    lock = tmp_path / "elsewhere" / "requirements.txt"
    lock.parent.mkdir()
    shutil.copy(REPOSITORY / "functions" / "published_files" / "requirements.txt", lock)
    write_bill(lock, tmp_path / "one.json", validate=True)
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    write_bill(
        REPOSITORY / "functions" / "published_files" / "requirements.txt", tmp_path / "two.json"
    )
    assert (tmp_path / "one.json").read_bytes() == (tmp_path / "two.json").read_bytes()
