"""Hostile queries get a documented response that repeats nothing of them, never 5xx."""

import json
from urllib.parse import quote

import pytest

from infra.local.cloud import LocalCloud
from tests.builders.audit_event import r4
from tests.fuzz.api_cases import MRN, PublishedCloud
from tests.fuzz.test_http_bombs import FHIR, SECRET, get, post

LARGE = 25  # events of a quarter of a megabyte: more than Lambda returns at once


@pytest.mark.parametrize("suffix", ["", "/receipt"])
@pytest.mark.parametrize(
    "event_id",
    [
        "0" * 64,
        "0" * 63,
        "A" * 64,
        "a" * 3000,
        SECRET,
        "%00",
        "%ff%fe",
        "%F0%9F",
        "a%23b",
        "..",
        "*",
    ],
)
def test_an_id_that_no_event_has_is_404(cloud: LocalCloud, event_id: str, suffix: str) -> None:
    """However long or odd; the response does not repeat it."""
    status, content = get(cloud, f"/AuditEvent/{event_id}{suffix}")
    assert status == 404
    assert event_id.encode() not in content


@pytest.mark.parametrize("suffix", ["", "/receipt"])
def test_an_index_key_beside_an_event_is_404(published: PublishedCloud, suffix: str) -> None:
    """For example the item of a second patient."""
    event_id = published.ids[0]
    assert get(published.cloud, f"/AuditEvent/{event_id}{suffix}")[0] == 200
    for other in (f"{event_id}%231", event_id.upper(), f"{event_id}%20", f"%20{event_id}"):
        assert get(published.cloud, f"/AuditEvent/{other}{suffix}")[0] == 404


REFUSED = [
    "/AuditEvent",
    f"/AuditEvent?date={SECRET}",
    "/AuditEvent?date=2026-13",
    "/AuditEvent?date=ge",
    "/AuditEvent?date=2026&_count=-1",
    "/AuditEvent?date=2026&_sort=agent",
    f"/AuditEvent?date=2026&_cursor={SECRET}",
    "/AuditEvent?date=2026&_cursor=",
    "/AuditEvent?date=2026&action=%ff",
    "/AuditEvent?date=2026&agent=%5C",
    "/AuditEvent?date=2026&address:above=1",
    "/AuditEvent?date=2026&" + "&".join(["action=R"] * 101),
    "/AuditEvent?date=2026&" + "&".join(["action=R"] * 201),
    f"/AuditEvent?_id={'0' * 65}",
    f"/accounting?patient={MRN}|1&requested={SECRET}",
    f"/accounting?patient={SECRET}|",
    f"/accounting?{quote(SECRET)}=1",
    f"/accesses?patient={MRN}|1&zone={SECRET}",
    f"/accesses?patient={MRN}|1&zone=../../etc/passwd",
    f"/accesses?patient={MRN}|1&zone=%00",
    f"/accesses?patient={MRN}|1&_format=csv&table={SECRET}",
    f"/reports/privacy?sort={SECRET}",
    f"/export?format={SECRET}&date=2026",
    f"/export?format=csv&receipts={SECRET}&date=2026",
    f"/export?format=csv&date=2026&_cursor=1.{SECRET}",
    f"/digests?from={SECRET}",
    "/digests?from=2026-11-22",
    "/digests?from=2026-11-22T05:59:00Z&to=2026-11-22T05:58:00Z",
    "/digests?from=2020-01-01T00:00:00Z&to=2026-01-01T00:00:00Z",
    "/digests?from=%ff",
    f"/findings?from={SECRET}",
    "/findings?from=2026-03-01T00:00:00Z&to=2026-01-01T00:00:00Z",
    "/findings?after=the-last",
    "/consistency",
    f"/consistency?from={SECRET}",
    "/consistency?from=-1",
    "/consistency?from=01",
    "/consistency?from=2&to=1",
    "/consistency?from=0&to=9999999999999999999",
    "/consistency?from=" + "9" * 5000,
]


@pytest.mark.parametrize("path", REFUSED, ids=lambda p: p[:60])
def test_an_invalid_query_is_400(cloud: LocalCloud, path: str) -> None:
    """The response names the parameter and what is expected, and does not repeat the value."""
    status, content = get(cloud, path)
    assert status == 400, content
    (issue,) = json.loads(content)["issue"]
    assert "expected " in issue["diagnostics"]
    assert SECRET.encode() not in content


UNUSUAL = [
    "/AuditEvent?date=9999",
    "/AuditEvent?date=0001",
    "/AuditEvent?date=ge9999-12-31T23:59:59.999Z",
    "/AuditEvent?date=lt0001-01-01",
    "/AuditEvent?date=ge2026&_lastUpdated=9999",
    "/AuditEvent?date=ge2026&_count=99999999999999999999",
    f"/AuditEvent?_id={','.join(['0' * 64] * 50)}",
    "/AuditEvent?patient=Patient/" + "p" * 3000,
    "/AuditEvent?patient.identifier=" + quote("urn:a|" + "€" * 300),
    "/AuditEvent?agent=" + quote("Practitioner/" + "é" * 300),
    "/AuditEvent?agent.identifier=" + quote("\x00|\x01"),
    "/AuditEvent?patient=" + ",".join(map(str, range(99))),
    "/AuditEvent?date=ge2026&" + quote("not a name") + "=1",
    f"/accounting?patient={MRN}|1&requested=0001-01-01",
    f"/accounting?patient={MRN}|1&requested=9999-12-31",
    f"/accounting?patient={MRN}|1&to=0001-01-01&zone=%2B14:00",
    f"/accesses?patient={MRN}|1&to=0001-01-01&zone=-12:00",
    f"/accesses?patient={MRN}|nobody",
    "/reports/privacy?to=0001-01-01",
    "/reports/privacy?user=%00",
    "/export?format=csv&date=9999",
    "/export?format=ocsf&date=0001",
    "/digests?from=1970-01-01T00:00:00Z&to=1970-01-01T00:00:00Z",
    "/digests?to=1970-01-01T00:00:00Z",
    "/digests?to=9999-12-31T23:59:59Z",
    "/digests?from=9999-12-31T23:59:59Z&to=9999-12-31T23:59:59Z",
    "/findings?to=1970-01-01T00:00:00Z",
    "/findings?to=9999-12-31T23:59:59Z",
    "/consistency?from=0",
    "/consistency?from=0&to=0",
]


@pytest.mark.parametrize("path", UNUSUAL, ids=lambda p: p[:60])
def test_an_unusual_query_is_valid(cloud: LocalCloud, path: str) -> None:
    """At the ends of time, with long names, and with many values."""
    status, content = get(cloud, path)
    assert status == 200, content
    cloud.drain()


def test_a_query_that_is_too_long_is_414(cloud: LocalCloud) -> None:
    """Longer than any in the API's links."""
    status, content = get(cloud, "/AuditEvent?date=2026&address=" + "a" * 5000)
    assert status == 414, content


def test_a_page_stays_below_the_limit_of_a_response(cloud: LocalCloud) -> None:
    """It ends early with a link to the next; each event is returned once."""
    about = {"what": {"identifier": {"system": MRN, "value": "large"}}, "role": {"code": "1"}}
    for number in range(LARGE):
        body = json.dumps(r4(entity=[about], outcomeDesc='"' * 120_000 + str(number))).encode()
        assert post(cloud, "/AuditEvent", body, {"Content-Type": FHIR})[0] == 201
    cloud.drain()
    cloud.publish()
    for sort in ("date", "-date"):
        numbers: list[str] = []
        path = f"/AuditEvent?patient.identifier={MRN}|large&_count=100&_sort={sort}"
        while path:
            status, content = get(cloud, path)
            assert status == 200, content[:200]
            bundle = json.loads(content)
            numbers += [
                entry["resource"]["outcomeDesc"].lstrip('"')
                for entry in bundle.get("entry", [])
                if entry["search"]["mode"] == "match" and "outcomeDesc" in entry["resource"]
            ]
            links = {link["relation"]: link["url"] for link in bundle["link"]}
            path = links.get("next", "").removeprefix(cloud.url)
        assert sorted(numbers, key=int) == [str(number) for number in range(LARGE)]
