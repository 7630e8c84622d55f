"""The Go programs are formatted and pass go vet."""

import subprocess
from pathlib import Path

from tests.interop.go_tools import GO_MODULE, GoTools


def test_go_code_is_formatted(go_tools: GoTools) -> None:
    """gofmt changes nothing."""
    gofmt = Path(go_tools.go).resolve().parent / "gofmt"
    ran = subprocess.run([gofmt, "-l", GO_MODULE], capture_output=True, text=True, check=True)
    assert ran.stdout == ""


def test_go_vet_finds_nothing(go_tools: GoTools) -> None:
    """go vet exits 0."""
    ran = subprocess.run(
        [go_tools.go, "vet", "./..."], cwd=GO_MODULE, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr
