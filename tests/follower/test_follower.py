"""What is derived from records: gaps, documents, findings; crashes and rebuilds change nothing."""

from collections import Counter
from typing import Any

import boto3
import pytest
import requests

from infra.local.cloud import REGION
from infra.local.runner import FunctionFailedError
from tests.follower.made import broken_glass, ni, numbered, recorded, result_filed
from tests.query.made import read_of
from tests.query.stage import LEDGER, OTHER, PORTAL, Stage

FOLLOWER = "audit-ledger-dev-follower"


def follow(stage: Stage, *, anew: bool = False) -> dict[str, Any]:
    """Invoke the follower as after a digest."""
    origin = stage.cloud.ledger(LEDGER).origin
    detail = {"origin": origin, **({"anew": True} if anew else {})}
    answer: dict[str, Any] = stage.cloud.runner.invoke(FOLLOWER, {"detail": detail})
    return answer


def verified(stage: Stage, document: bytes, token: str | None = None) -> list[dict[str, Any]]:
    """Ask who recorded a document."""
    answer = requests.post(
        f"{stage.cloud.url}/documents/verify",
        json={"digest": ni(document)},
        headers={"authorization": f"Bearer {stage.security if token is None else token}"},
        timeout=30,
    )
    assert answer.status_code == 200, answer.text
    entries: list[dict[str, Any]] = answer.json()["entries"]
    return entries


def views(stage: Stage) -> dict[str, Any]:
    """Everything in the views table but what differs by chance: nonces, and version numbers."""
    items = boto3.client("dynamodb", REGION).scan(TableName="audit-ledger-dev-views")["Items"]
    kept = {}
    for item in items:
        key = item.pop("key")["S"]
        if "#state#" not in key:
            kept[key] = {name: value for name, value in item.items() if name != "version"}
    return kept


def settle(stage: Stage) -> None:
    """Into the ledger, published, and followed: the bus tells the follower of the digest."""
    stage.settle()
    stage.cloud.drain()


def test_a_digest_starts_it(stage: Stage) -> None:
    """By the rule on the bus."""
    stage.send(numbered(1))
    settle(stage)
    assert stage.cloud.runner.invocations[FOLLOWER] == 1
    assert stage.get(f"/portals/{PORTAL}/gaps").json()["followed"] == 2


def test_numbers_that_never_came_are_reported(stage: Stage) -> None:
    """Gaps with their bounds; a late arrival closes its gap and is noted; repeats are counted."""
    for number in (1, 2, 5, 6, 9):
        stage.send(numbered(number))
    settle(stage)
    gaps = stage.get(f"/portals/{PORTAL}/gaps").json()
    assert [(g["first"], g["last"], g["missing"]) for g in gaps["gaps"]] == [(3, 4, 2), (7, 8, 2)]
    stage.send(numbered(4))
    stage.send(numbered(6))
    settle(stage)
    gaps = stage.get(f"/portals/{PORTAL}/gaps").json()
    assert [(g["first"], g["last"]) for g in gaps["gaps"]] == [(3, 3), (7, 8)]
    (stream,) = gaps["streams"]
    assert (stream["missing"], stream["late"], stream["repeats"]) == (3, 1, 1)


def test_a_document_is_known_by_its_digest(stage: Stage) -> None:
    """From an AuditEvent and from a CloudEvent; another document is known to nobody."""
    event_id = stage.send(recorded(b"a report"))
    result_filed(stage, b"a result")
    settle(stage)
    (report,) = verified(stage, b"a report")
    assert report["id"] == event_id
    (result,) = verified(stage, b"a result")
    assert (result["action"], result["types"]) == ("C", ["record.result.filed"])
    assert verified(stage, b"another") == []
    assert [e["id"] for e in verified(stage, b"a report", stage.patient("rose"))] == [event_id]
    assert verified(stage, b"a report", stage.patient("martha")) == []
    assert verified(stage, b"a report", stage.cloud.tokens.security(OTHER)) == []


def test_findings_name_nobody_and_lead_to_entries(stage: Stage) -> None:
    """Emergency access without a reason; told of on the bus, once."""
    stage.send(read_of("martha"))
    event_id = stage.send(broken_glass())
    settle(stage)
    answer = stage.get("/findings")
    (finding,) = answer.json()["findings"]
    assert finding["rule"] == "break-the-glass"
    assert finding["event_ids"] == [event_id]
    assert "rose" not in answer.text
    assert "Practitioner" not in answer.text
    told = [
        seen.content for seen in stage.cloud.bus.seen if seen.content["detail-type"] == "Finding"
    ]
    assert [content["detail"]["rule"] for content in told] == ["break-the-glass"]
    assert "rose" not in str(told)
    assert stage.get("/findings?to=2020-01-01T00:00:00Z").json() == {"findings": []}


def test_the_uses_of_the_ledger_are_no_findings(stage: Stage) -> None:
    """Who looks into the ledger looks at records of many: that is the job."""
    stage.send(read_of("rose"))
    settle(stage)
    for _ in range(3):
        stage.page("patient=rose")
    settle(stage)
    assert stage.get("/findings").json() == {"findings": []}


def test_following_anew_gives_the_same(stage: Stage) -> None:
    """All of it, and nobody is told again."""
    for number in (1, 2, 5):
        stage.send(numbered(number))
    stage.send(recorded(b"a report"))
    stage.send(broken_glass())
    settle(stage)
    stage.send(numbered(4))
    settle(stage)
    before, gaps = views(stage), stage.get(f"/portals/{PORTAL}/gaps").json()
    told = len(stage.cloud.bus.seen)
    follow(stage, anew=True)
    assert views(stage) == before
    assert stage.get(f"/portals/{PORTAL}/gaps").json() == gaps
    assert len(stage.cloud.bus.seen) == told


def test_a_run_that_dies_is_made_up_for(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before the commit, after documents and findings were put: the next run puts them again."""
    from audit_ledger.aws.views import ViewsTable

    stage.send(numbered(1))
    stage.send(numbered(3))
    stage.send(recorded(b"a report"))
    stage.send(broken_glass())
    stage.settle()

    def die(*_: object, **__: object) -> None:
        raise ConnectionError

    with monkeypatch.context() as dying:
        dying.setattr(ViewsTable, "commit", die)
        with pytest.raises(FunctionFailedError):
            follow(stage)
    assert follow(stage)["followed"] == 4
    assert follow(stage)["followed"] == 0
    (stream,) = stage.get(f"/portals/{PORTAL}/gaps").json()["streams"]
    assert (stream["received"], stream["missing"], stream["repeats"]) == (2, 1, 0)
    assert len(stage.get("/findings").json()["findings"]) == 1
    assert len(verified(stage, b"a report")) == 1


def test_two_runs_at_once_count_nothing_twice(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The slower one finds the cursor moved and leaves it at that."""
    from audit_ledger.aws.views import ViewsTable

    stage.send(numbered(1))
    stage.send(numbered(3))
    stage.settle()
    commit = ViewsTable.commit
    others = [True]

    def overtaken(*arguments: Any) -> Any:
        if others.pop() if others else False:
            assert follow(stage)["followed"] == 2
        return commit(*arguments)

    monkeypatch.setattr(ViewsTable, "commit", overtaken)
    assert follow(stage)["followed"] == 0
    (stream,) = stage.get(f"/portals/{PORTAL}/gaps").json()["streams"]
    assert (stream["received"], stream["repeats"]) == (2, 0)


def test_nothing_that_is_kept_names_anybody(stage: Stage) -> None:
    """Neither in keys nor in values; states are sealed."""
    stage.send(numbered(2, "rosetyler"))
    stage.send(recorded(b"a report", "rosetyler"))
    stage.send(broken_glass("rosetyler"))
    settle(stage)
    items = boto3.client("dynamodb", REGION).scan(TableName="audit-ledger-dev-views")["Items"]
    shown = str(items)
    assert len(items) > 5
    for name in ("rosetyler", "Practitioner", "laboratory", ni(b"a report")):
        assert name not in shown


@pytest.mark.parametrize(
    ("path", "patient", "portal"),
    [("/findings", 403, 403), (f"/portals/{PORTAL}/gaps", 403, 403)],
)
def test_only_who_may_see_all_sees_what_is_derived(
    stage: Stage, path: str, patient: int, portal: int
) -> None:
    """Neither patients nor portals; of another ledger there is nothing."""
    stage.send(broken_glass())
    settle(stage)
    assert stage.get(path).status_code == 200
    assert stage.get(path, stage.patient("rose")).status_code == patient
    assert stage.get(path, stage.cloud.tokens.portal(LEDGER, PORTAL)).status_code == portal
    other = stage.get(path, stage.cloud.tokens.security(OTHER))
    assert other.status_code == 404 or other.json() == {"findings": []}


def test_nothing_is_refused_by_iam(stage: Stage) -> None:
    """Its role has what it needs; what it calls is this and no more."""
    stage.send(recorded(b"a report"))
    stage.send(broken_glass())
    settle(stage)
    assert stage.cloud.permissions.refusals == []
    calls = Counter(stage.cloud.meter.snapshot().calls(FOLLOWER))
    assert {operation for _, operation in calls} <= {
        "GetParameter",
        "GetItem",
        "BatchGetItem",
        "Query",
        "Decrypt",
        "UpdateItem",
        "TransactWriteItems",
        "PutEvents",
    }
