"""What the policies of a deployed stage refuse, action by action and role by role."""

from functools import cache

import pytest

from tests.assemblies import synthesized
from tests.attacks.cases_refusals import DEPLOYMENT, REFUSAL_ROWS, RefusalRow
from tests.infra.assembly import ACCOUNT, REGION, SETTINGS, Assembly
from tests.infra.policies import role
from tests.infra.who_may import WhoMay

CLOUDFORMATION = role(f"cdk-hnb659fds-cfn-exec-role-{ACCOUNT}-{REGION}")


@pytest.fixture(scope="module")
def who_may() -> WhoMay:
    """The roles and policies of a hospital's stage."""
    return WhoMay(Assembly(synthesized(SETTINGS, stage="prod", alone=True, validate=True), "prod"))


@pytest.mark.parametrize("row", REFUSAL_ROWS, ids=lambda row: f"{row.what}: {row.to_do}")
def test_each_action_is_allowed_to_exactly_the_named_roles(
    who_may: WhoMay, row: RefusalRow
) -> None:
    """The document names them, the administrator included."""
    for action in row.actions:
        found = who_may.may(action, row.resource, row.context)
        if DEPLOYMENT in row.may:
            assert who_may.may_with_every_permission(CLOUDFORMATION, action, row.resource)
            found |= {DEPLOYMENT}
        assert found == row.may, action


def test_roles_with_similar_names_match_no_exemption(who_may: WhoMay) -> None:
    """A role with all permissions and a similar name matches no exemption."""
    for row in REFUSAL_ROWS:
        if not row.by.endswith("policy"):
            continue
        for name in _near(row.may):
            for action in row.actions:
                assert not who_may.may_with_every_permission(
                    role(name), action, row.resource, row.context
                ), f"{name}: {action}"


@cache
def _near(names: frozenset[str]) -> tuple[str, ...]:
    """Return names that a pattern or a careless comparison would accept as one of `names`."""
    prefix = "audit-ledger-prod"
    return tuple(
        near
        for name in (*names, "erasure")
        for near in (
            f"{prefix}-x-{name}",
            f"{prefix}-{name}-x",
            f"{prefix}/{name}",
            f"x/{prefix}-{name}",
            f"{prefix}-evil-{name.rpartition('-')[2]}",
            f"{prefix}-{name}".upper(),
        )
    )
