"""Requests of FHIR clients that once failed, as reported, with their correct responses."""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import requests

from infra.local.cloud import LocalCloud, local_cloud
from tests.assemblies import synthesized
from tests.conftest import skip_unless_ci

FHIR = "application/fhir+json"
LEDGER = "st-elsewhere"
PORTAL = "ehr"


@dataclass(frozen=True)
class Cases:
    """The app of cdk.json with both events of the cases; `id`: of the R4 one."""

    folder: Path
    cloud: LocalCloud
    id: str = ""

    def run(self, *lines: str) -> str:
        """Run lines of a case's script in a shell; return their output."""
        bash = shutil.which("bash") or ""
        if not (bash and shutil.which("curl")):
            skip_unless_ci("no bash or no curl on this machine")
        ran = subprocess.run(
            [bash, "-c", "\n".join(lines)],
            cwd=self.folder,
            env={
                "PATH": os.environ["PATH"],
                "NO_PROXY": "127.0.0.1",
                "URL": self.cloud.url,
                "PORTAL": self.cloud.tokens.portal(LEDGER, PORTAL),
                "SECURITY": self.cloud.tokens.security(LEDGER),
            },
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        )
        return ran.stdout

    def script(self, name: str) -> list[str]:
        """Return the lines of a case's script, whole answers instead of their starts."""
        lines = (self.folder / name).read_text().splitlines()
        return [line.removesuffix(" | head -c 300") for line in lines if not line.startswith("#")]

    def send(self, body: bytes, path: str = "/AuditEvent", media_type: str = FHIR) -> Any:
        token = self.cloud.tokens.portal(LEDGER, PORTAL)
        return requests.post(
            self.cloud.url + path,
            data=body,
            headers={"Authorization": f"Bearer {token}", "Content-Type": media_type},
            timeout=60,
        )

    def get(self, path: str) -> Any:
        """Send a query as a security officer; `path` may be a whole URL."""
        url = path if path.startswith("http") else self.cloud.url + path
        token = self.cloud.tokens.security(LEDGER)
        return requests.get(url, headers={"Authorization": f"Bearer {token}"}, timeout=60)

    def settle(self) -> None:
        self.cloud.drain()
        self.cloud.publish(LEDGER)


@pytest.fixture(scope="module")
def cases(shared_dir: Path) -> Iterator[Cases]:
    folder = shared_dir / "cases" / "fhir"
    with local_cloud(synthesized()) as cloud:
        empty = Cases(folder, cloud)
        ids = []
        for name in ("event.json", "r5.json"):
            sent = empty.send((folder / name).read_bytes())
            assert sent.status_code == 201, sent.text
            ids.append(sent.headers["Location"].rpartition("/")[2])
        empty.settle()
        yield Cases(folder, cloud, ids[0])


def test_01_serves_the_default_accept_headers_of_clients(cases: Cases) -> None:
    """Lists with weights: JSON is acceptable in each, so none is 406 (RFC 9110, 12.5.1)."""
    lines = [line.partition("#")[0] for line in cases.script("01-accept-hapi-default.sh")]
    answers = re.findall(r"HTTP/1\.[01] ([0-9]{3}) ", cases.run(*lines))
    assert answers == ["200"] * len(lines)
    assert len(lines) == 4


def test_02_a_resource_has_the_id_of_its_url(cases: Cases) -> None:
    """Not the id of its sender, which is not found."""
    assert json.loads((cases.folder / "event.json").read_bytes())["id"] == "1"
    assert cases.get(f"/AuditEvent/{cases.id}").json()["id"] == cases.id
    assert cases.get("/AuditEvent/1").status_code == 404


def test_03_the_content_matches_the_declared_release(cases: Cases) -> None:
    """An R5 event, requested without a release: nothing in the response is of R5."""
    head, _, body = cases.run(*cases.script("03-mixed-release-label.sh")).partition("\n\n")
    assert re.search(r"(?im)^content-type: application/fhir\+json; *fhirVersion=4\.0\s*$", head)
    found = json.loads(body)["entry"]
    (event,) = [each["resource"] for each in found if each["search"]["mode"] == "match"]
    assert event["type"]["code"] == "read"  # in R5: code.coding[0].code
    assert event["entity"][0]["what"]["reference"] == "Patient/odd1"  # in R5: patient
    assert not {"code", "patient"} & set(event)


def test_05_refuses_if_none_exist(cases: Cases) -> None:
    """Neither of the two events is created."""
    output = cases.run(*cases.script("05-if-none-exist.sh")).lower().splitlines()
    assert [line.split()[1] for line in output] == ["400", "400"]


def test_06_searches_have_many_forms(cases: Cases) -> None:
    """A form, `:identifier`, `:not`, counts alone; and `entity` narrows the result."""
    token, *lines = cases.script("06-search-forms.sh")
    response = [cases.run(token, line) for line in lines]
    assert ["[200]" in text for text in response] == [True, True, True, True, False, False]
    form, identifier, other_type, none, count, entity = (
        json.loads(text.partition(" [200]")[0]) for text in response
    )
    assert {found["type"] for found in (form, identifier, other_type, none)} == {"searchset"}
    assert cases.id in matches(form)
    assert cases.id in matches(identifier)
    assert cases.id in matches(other_type)  # a 110110, and not a 110101
    for bundle in (none, count):
        assert bundle["total"] >= 1
        assert matches(bundle) == []
    assert matches(entity) == []


def matches(bundle: dict[str, Any]) -> list[str]:
    entries = bundle.get("entry", [])
    return [each["resource"]["id"] for each in entries if each["search"]["mode"] == "match"]


def test_07_a_body_may_be_compressed(cases: Cases) -> None:
    assert cases.run(*cases.script("07-gzip.sh")).endswith(" [201]\n")


@pytest.mark.parametrize("media_type", ["application/fhir+xml", "application/xml", "text/xml"])
def test_09_refuses_xml_and_names_json(cases: Cases, media_type: str) -> None:
    """docs/decisions/0013-json-only.md: DICOM's audit messages are another format again."""
    response = cases.send(
        (cases.folder / "09-dicom-audit-message.xml").read_bytes(), "", media_type
    )
    assert response.status_code == 415
    (issue,) = response.json()["issue"]
    assert FHIR in issue["diagnostics"]


def test_10_repeated_searches_record_the_same_number_of_events(cases: Cases) -> None:
    """Each scan adds the same number: events of earlier scans are not recorded again."""
    start = datetime.now(UTC).isoformat(timespec="milliseconds")
    event = json.loads((cases.folder / "event.json").read_bytes())
    entries = []
    for number in range(60):
        system = event["entity"][0]["what"]["identifier"]["system"]
        what = {"identifier": {"system": system, "value": f"patient-{number}"}}
        entity = [{**event["entity"][0], "what": what}]
        resource = {**event, "recorded": start, "entity": entity}
        request = {"method": "POST", "url": "AuditEvent"}
        entries.append({"resource": resource, "request": request})
    bundle = {"resourceType": "Bundle", "type": "transaction", "entry": entries}
    assert cases.send(json.dumps(bundle).encode(), "").status_code == 200
    cases.settle()
    grown = []
    for _ in range(3):
        before = size(cases)
        url: str | None = f"/AuditEvent?date=ge{start.replace('+', '%2B')}"
        pages = shown = 0
        while url is not None:
            found = cases.get(url).json()
            pages, shown = pages + 1, shown + len(matches(found))
            url = next((each["url"] for each in found["link"] if each["relation"] == "next"), None)
        assert shown == len(entries)
        cases.settle()
        grown.append(size(cases) - before)
    assert set(grown) == {pages + len(entries)}


def size(cases: Cases) -> int:
    """Return the number of published entries."""
    return int(cases.get("/digests/latest").json()["size_after"])
