"""The settings of a ledger: inherited limits, and documents without empty members."""

import json
from typing import Any

import msgspec
import pytest

from audit_ledger.settings.ledger import LedgerSettings
from audit_ledger.settings.limits import RateLimit
from audit_ledger.token_bucket import Rate

PORTAL = {"patient": {"reference": True}}


def read(**members: Any) -> LedgerSettings:
    document = {"origin": "example.org/a", "portals": {"ehr": PORTAL}, **members}
    return msgspec.json.decode(json.dumps(document), type=LedgerSettings)


def test_without_limits_there_is_no_limit() -> None:
    """Neither of portals nor of readers."""
    settings = read()
    assert settings.portal_limit("ehr").bucket is None
    assert settings.limits.reader.bucket is None


@pytest.mark.parametrize(
    ("own", "limit"),
    [
        ({}, Rate(5, 50)),
        ({"rate": 1}, Rate(1, 50)),
        ({"burst": 7}, Rate(5, 7)),
        ({"rate": 1, "burst": 7}, Rate(1, 7)),
    ],
)
def test_a_portal_inherits_each_value_that_it_does_not_set(
    own: dict[str, int], limit: Rate
) -> None:
    """From the limit of the ledger's portals."""
    settings = read(
        portals={"ehr": {**PORTAL, "limit": own}}, limits={"portal": {"rate": 5, "burst": 50}}
    )
    assert settings.portal_limit("ehr").bucket == limit
    assert RateLimit(**own).over(settings.limits.portal).bucket == limit


@pytest.mark.parametrize(
    "members",
    [
        {"limits": {"portal": {"rate": 1}}},
        {"limits": {"reader": {"burst": 1}}},
        {"portals": {"ehr": {**PORTAL, "limit": {"rate": 1}}}},
    ],
)
def test_a_rate_without_a_burst_is_refused(members: dict[str, Any]) -> None:
    """Or a burst without a rate: half a limit would limit nobody."""
    with pytest.raises(msgspec.ValidationError, match="both rate and burst"):
        read(**members)


def test_a_document_omits_what_is_empty_and_is_read_back() -> None:
    """But for origin and portals, which every parameter has."""
    assert read().document() == {"origin": "example.org/a", "portals": {"ehr": PORTAL}}
    assert read(portals={}).document() == {"origin": "example.org/a", "portals": {}}
    reports = {"exclusions": {"authorization": {"purposes": ["|A"]}}, "zone": "Europe/Berlin"}
    limits = {"reader": {"rate": 1, "burst": 2}}
    settings = read(reports=reports, limits=limits, detections={"same_surname": None})
    assert read(**settings.document()) == settings
    assert json.loads(json.dumps(settings.document()))["reports"] == reports
