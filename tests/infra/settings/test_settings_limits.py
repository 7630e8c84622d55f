"""Settings of limits: their defaults at each level, and invalid values."""

from typing import Any

import pytest

from infra.settings import SettingsError, ledger_parameter
from tests.infra.settings.test_settings import PORTAL, ledger, read


def parameter(settings: Any, number: int = 0) -> dict[str, Any]:
    return ledger_parameter(settings, settings.ledgers[number])


def test_the_nearest_limit_holds_and_takes_over_what_it_does_not_say() -> None:
    """A portal's, else its ledger's, else the stage's, else that of the kind of stage."""
    ledgers = [
        ledger("a", {**PORTAL, "limit": {"burst": 7}}, limits={"portal": {"rate": 5}}),
        ledger("b", PORTAL),
    ]
    settings = read("prod", ledgers=ledgers, limits={"portal": {"burst": 100}})
    assert parameter(settings)["limits"] == {
        "portal": {"rate": 5, "burst": 100},
        "reader": {"rate": 20, "burst": 600},
    }
    assert parameter(settings)["portals"]["ehr"]["limit"] == {"rate": 5, "burst": 7}
    assert parameter(settings, 1)["limits"]["portal"] == {"rate": 1000, "burst": 100}
    assert "limit" not in parameter(settings, 1)["portals"]["ehr"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"limits": {"portal": {"rate": 0}}}, "limits.portal.rate: found 0, expected 1 to 10,000"),
        (
            {"limits": {"reader": {"burst": 100_001}}},
            "limits.reader.burst: found 100001, expected 1 to 100,000",
        ),
        (
            {"limits": {"reader": {"rate": 1, "burst": 3601}}},
            "limits.reader.burst: found 3601, expected a bucket that fills in an hour",
        ),
        (  # dev's burst, which nobody wrote here
            {"limits": {"portal": {"rate": 1}}},
            "limits.portal.burst: found 50000, expected a bucket that fills in an hour: at most "
            "3600 times the rate; without a burst of its own it has that of the stage or ledger",
        ),
        ({"limits": {"portals": {}}}, "did you mean `portal`?"),
        ({"limits": {"portal": {"rates": 1}}}, "did you mean `rate`?"),
        (
            {"limits": {"portal": {"rate": "10"}}},
            'limits.portal.rate: found "10", expected a whole',
        ),
        (
            {"ledgers": [ledger("a", PORTAL, limits={"portal": {"rate": -1}})]},
            "ledgers[0].limits.portal.rate: found -1",
        ),
        (
            {"ledgers": [ledger("a", {**PORTAL, "limit": {"burst": 0}})]},
            "ledgers[0].portals[0].limit.burst: found 0, expected 1 to 100,000",
        ),
    ],
)
def test_a_wrong_limit_says_where_and_what_was_expected(
    changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(SettingsError) as wrong:
        read(**changes)
    assert message in str(wrong.value)
