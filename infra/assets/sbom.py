"""A software bill of materials for each function: the packages of its lock, as CycloneDX JSON.

    python -m infra.assets.sbom       (make sbom: to build/sbom)

The same lock gives the same bytes. Each asset contains its own bill, so that a deployed function
lists its components.
"""

import os
import subprocess
import sys
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
BILL = "sbom.cdx.json"


def write_bill(lock: Path, bill: Path, *, validate: bool = False) -> None:
    """Write the bill of a lock. Raise CalledProcessError if that fails.

    `validate`: also if it does not match the schema of CycloneDX, which takes some seconds.
    """
    command = ["-m", "cyclonedx_py", "requirements", str(lock), "--output-reproducible"]
    form = ["--pyproject", str(REPOSITORY / "pyproject.toml"), "--of", "JSON"]
    form += ["--validate" if validate else "--no-validate"]
    quietly = ["-W", "ignore::UserWarning"]  # of the root's dependencies, which no lock tells
    # Independent of the time: the bill would contain a time of the environment.
    environment = {name: v for name, v in os.environ.items() if name != "SOURCE_DATE_EPOCH"}
    subprocess.run(  # noqa: S603  our own lock
        [sys.executable, *quietly, *command, *form, "--output-file", str(bill)],
        check=True,
        env=environment,
    )


def main() -> None:
    """Write the bills of all functions to build/sbom."""
    folder = REPOSITORY / "build" / "sbom"
    folder.mkdir(parents=True, exist_ok=True)
    for lock in sorted((REPOSITORY / "functions").glob("*/requirements.txt")):
        write_bill(lock, folder / f"{lock.parent.name}.cdx.json", validate=True)
        print(folder / f"{lock.parent.name}.cdx.json")


if __name__ == "__main__":
    main()
