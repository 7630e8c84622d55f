"""HL7's definitions of AuditEvent, read once."""

from pathlib import Path

import pytest

from tests.fhir_versions.profile import Profile


@pytest.fixture(scope="session")
def profiles(shared_dir: Path) -> dict[str, Profile]:
    """Return the definitions by release."""
    folder = shared_dir / "samples" / "profiles"
    return {release: Profile(folder, release) for release in ("R4", "R5")}
