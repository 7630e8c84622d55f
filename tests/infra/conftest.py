"""Few syntheses: one unvalidated per stage for all tests of templates, shared by the session."""

from pathlib import Path

import pytest

from infra.synth import synthesize
from tests.infra.assembly import SETTINGS, Assembly


@pytest.fixture(scope="session")
def dev(tmp_path_factory: pytest.TempPathFactory) -> Assembly:
    """A developer's stage."""
    folder = tmp_path_factory.mktemp("dev")
    return Assembly(synthesize(folder, stage="dev", settings=SETTINGS, alone=True), "dev")


@pytest.fixture(scope="session")
def prod(tmp_path_factory: pytest.TempPathFactory) -> Assembly:
    """The stage of a hospital, validated by CDK and by cdk-nag: it exists only if both pass."""
    folder = tmp_path_factory.mktemp("prod")
    return Assembly(
        synthesize(folder, stage="prod", settings=SETTINGS, alone=True, validate=True), "prod"
    )


@pytest.fixture(scope="session")
def many(tmp_path_factory: pytest.TempPathFactory) -> Assembly:
    """Fifty ledgers, all public, with a portal each in an account of its own."""
    ledgers = [
        {
            "id": f"hospital-{number:02}",
            "public": True,
            "portals": [
                {
                    "id": "ehr",
                    "patient": {"reference": True},
                    "account": str(200_000_000_000 + number),
                }
            ],
        }
        for number in range(50)
    ]
    folder = Path(tmp_path_factory.mktemp("many"))
    return Assembly(
        synthesize(folder, settings={**SETTINGS, "ledgers": ledgers}, alone=True), "dev"
    )
