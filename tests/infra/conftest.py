"""Few syntheses: one unvalidated per stage for all tests of templates, shared by the session."""

import pytest

from tests.assemblies import synthesized
from tests.infra.assembly import CUSTOM, SETTINGS, Assembly


@pytest.fixture(scope="session")
def dev() -> Assembly:
    """A developer's stage."""
    return Assembly(synthesized(SETTINGS, stage="dev", alone=True), "dev")


@pytest.fixture(scope="session")
def prod() -> Assembly:
    """The stage of a hospital, validated by CDK and by cdk-nag: it exists only if both pass."""
    return Assembly(synthesized(SETTINGS, stage="prod", alone=True, validate=True), "prod")


@pytest.fixture(scope="session")
def customized() -> Assembly:
    """A developer's stage with tokens of another issuer, signed code and a named rebuilder."""
    ledgers = [{**ledger, "readers": []} for ledger in SETTINGS["ledgers"]]
    return Assembly(
        synthesized({**SETTINGS, **CUSTOM, "ledgers": ledgers}, stage="dev", alone=True), "dev"
    )


@pytest.fixture(scope="session")
def many() -> Assembly:
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
    return Assembly(synthesized({**SETTINGS, "ledgers": ledgers}, alone=True), "dev")
