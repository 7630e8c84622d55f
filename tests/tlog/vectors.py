"""Where the test vectors of others lie, for collecting a test for each of them.

Where they are absent nothing is collected; the tests that count them say so (and fail on CI).
"""

from pathlib import Path

VECTORS = Path(__file__).resolve().parents[2].parent / "shared" / "vectors"


def files(folder: str) -> list[Path]:
    """All JSON files below a folder of vectors."""
    return sorted((VECTORS / folder).rglob("*.json"))


def name(file: Path) -> str:
    """Test id of a vector: its path below the folder of vectors."""
    return str(file.relative_to(VECTORS))
