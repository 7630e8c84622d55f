"""Lambda assets without Docker: sources of this project, and wheels for Lambda's platform.

An asset contains `functions/<name>/`, `functions/__init__.py`, the package `audit_ledger` (without
modules that only the command uses), the packages of `functions/<name>/requirements.txt`, all of it
compiled, and its bill of materials. Its hash is that of the sources and the lock: the same sources
are never deployed twice.
"""

import hashlib
import shutil
import subprocess
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import aws_cdk as cdk
import jsii
from aws_cdk import aws_lambda as lambda_

from infra.assets.bytecode import compile_all, interpreter_of
from infra.assets.debug_info import strip_debug_info
from infra.assets.sbom import BILL, write_bill

REPOSITORY = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Platform:
    """Where an asset runs: Python version and wheel tags; no tags: pip's own, of this machine."""

    python_version: str
    tags: tuple[str, ...] = ()

    @property
    def rules(self) -> str:
        """Return what determines an asset besides its sources; a change raises the number."""
        compiled = interpreter_of(self.python_version) is not None
        return f"2 {self.python_version} {' '.join(self.tags)}{' compiled' if compiled else ''}"


# Both: the second alone silently picks ancient versions of packages that were built for the first.
LAMBDA = Platform("3.13", ("manylinux2014_aarch64", "manylinux_2_28_aarch64"))
THIS_MACHINE = Platform(f"{sys.version_info.major}.{sys.version_info.minor}")
BUNDLE_FOR = "bundle-for"
"""Key of the CDK context: `this-machine` for assets that an emulator here can run."""

KEPT_SERVICES = frozenset({"dynamodb", "events", "kms", "lambda", "s3", "sqs", "ssm", "sts"})
"""Services whose descriptions remain in botocore, 20 MB in all: those that clients here use."""

_NOT_NEEDED = (
    "*.dist-info/RECORD",  # names what is removed here
    "**/*.pyi",
    "zstandard/_cffi.*.so",  # 10 MB for interpreters other than CPython
)
# A change in what a function does not use does not deploy it again.
_NOT_FOR_FUNCTIONS = (
    *("cli", "client", "detections", "exports", "reading", "recovery", "reports", "search"),
    *("runs", "sequence_gaps", "verify"),
)
_NEEDED_ALL_THE_SAME = {
    "ingest": ("search",),  # GET /metadata lists search parameters
    "publisher": ("runs",),
    # Receipts are made from what is published; what the follower keeps is shown.
    "query": ("exports", "reading", "reports", "search", "sequence_gaps", "verify"),
    "follower": ("detections", "reading", "sequence_gaps", "verify"),
}
_OF_VERIFY = frozenset(
    {
        "__init__",
        "content_coding",
        "deadline",
        "partial_tiles",
        "policy_file",
        "receipts",
        "sources",
    }
)
"""Modules of `verify` that functions use; the others verify a whole ledger."""
_LEFT_OUT = shutil.ignore_patterns("__pycache__", "*.pyc", "requirements.in")


def platform_of(context: object) -> Platform:
    """Return the platform that the CDK context names: Lambda, unless it is `this-machine`."""
    if context not in (None, "this-machine"):
        raise ValueError(f"{BUNDLE_FOR}: found {context!r}, expected this-machine or nothing")
    return LAMBDA if context is None else THIS_MACHINE


def function_code(name: str, platform: Platform = LAMBDA) -> lambda_.Code:
    """Return the code of `functions/<name>`."""
    sources = function_sources(name)
    return lambda_.Code.from_asset(
        str(sources),
        asset_hash=code_hash(name, platform),
        asset_hash_type=cdk.AssetHashType.CUSTOM,
        bundling=cdk.BundlingOptions(
            image=cdk.DockerImage.from_registry("never-used"),
            local=PipBundling(sources, name, platform),
        ),
    )


def code_hash(name: str, platform: Platform = LAMBDA) -> str:
    """Return the hash that identifies the asset of `functions/<name>`."""
    return hash_of(function_sources(name), platform)


@cache
def function_sources(name: str) -> Path:
    """Return a folder with only the sources of a function; it exists while this app runs."""
    folder = Path(_folder().name) / name
    shutil.copytree(REPOSITORY / "functions" / name, folder / "functions" / name, ignore=_LEFT_OUT)
    shutil.copy(REPOSITORY / "functions" / "__init__.py", folder / "functions")
    package = folder / "audit_ledger"
    shutil.copytree(REPOSITORY / "shared" / "audit_ledger", package, ignore=_LEFT_OUT)
    for part in set(_NOT_FOR_FUNCTIONS).difference(_NEEDED_ALL_THE_SAME.get(name, ())):
        shutil.rmtree(package / part, ignore_errors=True)
    for module in (package / "verify").glob("*.py"):
        if module.stem not in _OF_VERIFY:
            module.unlink()
    (package / "http_transport.py").unlink()  # of remote sources and of the command
    return folder


@cache
def _folder() -> "TemporaryDirectory[str]":
    return TemporaryDirectory(prefix="audit-ledger-assets-")


def hash_of(sources: Path, platform: Platform = LAMBDA) -> str:
    """SHA-256, hex, over the bundling rules and every file's path and bytes."""
    digest = hashlib.sha256(platform.rules.encode())
    for file in sorted(sources.rglob("*")):
        if file.is_file():
            data = file.read_bytes()
            digest.update(f"\n{file.relative_to(sources)} {len(data)}\n".encode())
            digest.update(data)
    return digest.hexdigest()


@jsii.implements(cdk.ILocalBundling)
class PipBundling:
    """Bundles with pip, on any machine, for Lambda's arm64 or another platform."""

    def __init__(self, sources: Path, name: str, platform: Platform) -> None:
        self._sources = sources
        self._name = name
        self._platform = platform
        self._lock = sources / "functions" / name / "requirements.txt"

    def try_bundle(self, output_dir: str, options: object = None, **_: Any) -> bool:  # noqa: ARG002
        """Fill `output_dir`. Raise CalledProcessError, after pip's own output, if pip fails."""
        output = Path(output_dir)
        shutil.copytree(self._sources, output, dirs_exist_ok=True)
        elsewhere = [f"--platform={tag}" for tag in self._platform.tags]
        if elsewhere:
            elsewhere += [f"--python-version={self._platform.python_version}"]
            elsewhere += ["--implementation=cp"]
        subprocess.run(  # noqa: S603  pip, with our own lock
            [
                *(sys.executable, "-m", "pip", "install", "--quiet", "--no-compile"),
                *("--require-hashes", "--only-binary=:all:", *elsewhere),
                *("--requirement", str(self._lock), "--target", str(output)),
            ],
            check=True,
        )
        strip(output)
        write_bill(self._lock, output / BILL)
        if not compile_all(output, self._platform.python_version):
            print(
                f"functions/{self._name}: no Python {self._platform.python_version} is on this "
                "machine to compile it for: cold starts take three times as long",
                file=sys.stderr,
            )
        return True


def strip(asset: Path) -> None:
    """Remove files that Lambda does not need or that differ between build machines."""
    for cache_folder in list(asset.rglob("__pycache__")):
        shutil.rmtree(cache_folder)
    shutil.rmtree(asset / "bin", ignore_errors=True)  # scripts name the Python that ran pip
    for pattern in _NOT_NEEDED:
        for file in asset.glob(pattern):
            file.unlink()
    for library in asset.rglob("*.so*"):
        strip_debug_info(library)
    for service in (asset / "botocore" / "data").glob("*/"):
        if service.name not in KEPT_SERVICES:
            shutil.rmtree(service)
