"""What is deployed runs: templates as synthesized, functions from their zips and nothing else.

Elsewhere functions run in the tests' own process, which has every package and what the tests set.
Here each runs as Lambda runs it: a process of its own, from its asset alone, with the environment
of its template, behind the HTTP API, queue and schedule that the templates declare. The
emulator is ministack. Where this is not AWS:

- wheels are for this machine and its Python, through the same bundling with the platform as a
  parameter; Lambda's are for arm64 and 3.13.
- ML-DSA keys, Object Lock and alarms over several metrics are patched in, and `rate(1 minute)`
  is every two seconds: `patched_ministack.py`.
- no request is denied: permissions are checked by `tests/infra` and the local ledger.
"""

import json
import subprocess
import zipfile
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from infra.local.serve import example_event
from tests.deployed.app import ARCHIVE, LEDGER, PATIENTS, PREFIX, PUBLISHED, STAGE, App
from tests.deployed.cloudformation import bundled as zips_of
from tests.deployed.emulator import Emulator

FHIR = "application/fhir+json"
LOOPBACK = {"0100007F"}
WHERE = ["--stage", STAGE, "--ledger", LEDGER]


def event() -> dict[str, Any]:
    return example_event("ehr", PATIENTS)


@pytest.fixture(scope="module")
def token(app: App) -> str:
    return app.token("ehr")


@pytest.fixture(scope="module")
def policy(app: App, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The policy file of the ledger, with the keys that the template created."""
    file = tmp_path_factory.mktemp("policy") / "policy"
    ran = app.ledger("policy", *WHERE, "-o", str(file))
    assert ran.returncode == 0, ran.stderr
    return str(file)


@pytest.fixture(scope="module")
def published(app: App, token: str) -> int:
    """Events of every kind, sent over HTTP and awaited in a digest; how many entries there are."""
    status, _, _ = app.request("POST", "/AuditEvent", None, event(), Content_Type=FHIR)
    assert status == 401
    first = event()

    def sent() -> bool:
        answer = app.request(
            "POST", "/AuditEvent", token, first, Content_Type=FHIR, Idempotency_Key="one"
        )
        assert answer[0] in (201, 503), app.function_logs()
        return answer[0] == 201

    app.wait_until(sent)  # its publisher gives a new ledger its keys, within a minute
    assert sent(), app.function_logs()  # a repeat
    request = {"method": "POST", "url": "AuditEvent"}
    entries = [{"resource": event(), "request": request} for _ in range(2)]
    bundle = {"resourceType": "Bundle", "type": "batch", "entry": entries}
    status, _, body = app.request("POST", "/", token, bundle, Content_Type=FHIR)
    assert status == 200, body
    cloud_event = {
        "specversion": "1.0",
        "id": "1",
        "source": "urn:north:ehr",
        "type": "org.hl7.fhir.AuditEvent",
        "datacontenttype": FHIR,
        "data": event(),
    }
    kind = "application/cloudevents+json"
    status, _, body = app.request("POST", "/events", token, cloud_event, Content_Type=kind)
    assert status == 202, body
    size = 1 + 1 + 2 + 1  # the ledger's creation, and no repeat
    app.wait_until(lambda: app.published_size() >= size)
    return size


def verify(app: App, policy: str) -> Any:
    source = f"s3://{PUBLISHED}/{LEDGER}"
    ran = app.ledger("verify", source, "--policy", policy, "--no-state", "--json")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return json.loads(ran.stdout)


def test_the_emulator_listens_on_this_machine_only(emulator: Emulator) -> None:
    """On every port that it opens."""
    assert emulator.listening() == LOOPBACK


def test_a_function_cannot_import_packages_of_the_emulator(emulator: Emulator) -> None:
    """So a package that is missing from an asset is not found elsewhere."""
    import_it = ["-I", "-S", "-c", "import cryptography"]
    ran = subprocess.run([emulator.python, *import_it], capture_output=True, check=False, text=True)
    assert "No module named 'cryptography'" in ran.stderr


def test_events_travel_from_http_to_a_verified_digest(
    app: App, published: int, policy: str
) -> None:
    """Ingest, sequencer and publisher, from their zips: each event once, and verified."""
    report = verify(app, policy)
    assert (report["answer"], report["size"]) == ("verified", published)
    rows = app.emulator.client("dynamodb").scan(TableName=f"{PREFIX}-events")["Items"]
    assert len(rows) == published - 1


def test_published_files_are_served_over_http(app: App, published: int, token: str) -> None:
    """The function that serves it starts from its zip too, and returns the bytes that are in S3."""
    status, headers, body = app.request("GET", f"/published/{LEDGER}/checkpoint", token)
    assert status == 200
    stored = app.emulator.client("s3").get_object(Bucket=PUBLISHED, Key=f"{LEDGER}/checkpoint")
    assert (body, headers["Content-Type"]) == (stored["Body"].read(), "text/plain; charset=utf-8")
    assert app.request("GET", f"/published/{LEDGER}/none", token)[0] == 404
    assert app.request("GET", "/published/south/checkpoint", token)[0] == 403


def test_a_dead_letter_is_archived(app: App) -> None:
    """By the function that the dead-letter queue feeds, under Object Lock."""
    sqs = app.emulator.client("sqs")
    queue = sqs.get_queue_url(QueueName=f"{PREFIX}-{LEDGER}-dead")["QueueUrl"]
    sqs.send_message(QueueUrl=queue, MessageBody="a message that nobody could append")
    s3 = app.emulator.client("s3")

    def archived() -> list[dict[str, Any]]:
        listed = s3.list_objects_v2(Bucket=ARCHIVE, Prefix=f"{LEDGER}/dead-letters/")
        found: list[dict[str, Any]] = listed.get("Contents", [])
        return found

    (letter,) = app.wait_until(archived)
    stored = json.loads(s3.get_object(Bucket=ARCHIVE, Key=letter["Key"])["Body"].read())
    assert "a message that nobody could append" in stored.values()


def test_lost_tables_are_rebuilt_and_the_ledger_continues(
    app: App, published: int, token: str, policy: str
) -> None:
    """The drill: blocks and events emptied, rebuilt by the command, appended to and published."""
    dynamodb = app.emulator.client("dynamodb")
    keys = {"blocks": ("origin", "first_seq"), "events": ("key",)}

    def items(table: str) -> list[str]:
        found = dynamodb.scan(TableName=f"{PREFIX}-{table}")["Items"]
        return sorted(repr(sorted(item.items())) for item in found)

    before = {table: items(table) for table in keys}
    for table, names in keys.items():
        for item in dynamodb.scan(TableName=f"{PREFIX}-{table}")["Items"]:
            key = {name: item[name] for name in names}
            dynamodb.delete_item(TableName=f"{PREFIX}-{table}", Key=key)
    ran = app.ledger("rebuild", *WHERE, "--archive", ARCHIVE, "--settle", "0")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    ran = app.ledger("unfreeze", *WHERE, "--archive", ARCHIVE, "--published", PUBLISHED, "--yes")
    # A publisher that ran while the blocks were gone froze the ledger first.
    assert ran.returncode == 0 or "is not frozen" in ran.stderr, ran.stdout + ran.stderr
    assert {table: items(table) for table in keys} == before
    assert app.request("POST", "/AuditEvent", token, event(), Content_Type=FHIR)[0] == 201
    app.wait_until(lambda: app.published_size() > published)
    assert verify(app, policy)["size"] == published + 1


def test_a_frozen_ledger_stores_accepted_events_until_it_is_unfrozen(
    app: App, published: int, token: str, policy: str
) -> None:
    """The drill of the runbook: tried far more than ten times, no dead letter, no redrive."""
    sqs, s3 = app.emulator.client("sqs"), app.emulator.client("s3")
    queue = sqs.get_queue_url(QueueName=f"{PREFIX}-{LEDGER}")["QueueUrl"]
    a_second = {"VisibilityTimeout": "1"}  # instead of the template's twelve minutes
    sqs.set_queue_attributes(QueueUrl=queue, Attributes=a_second)

    def dead_letters() -> int:
        listed = s3.list_objects_v2(Bucket=ARCHIVE, Prefix=f"{LEDGER}/dead-letters/")
        return len(listed.get("Contents", ()))

    dead, before, reason = dead_letters(), app.published_size(), "a drill"
    origin = json.loads(
        app.emulator.client("ssm").get_parameter(Name=f"/{PREFIX}/ledgers/{LEDGER}")["Parameter"][
            "Value"
        ]
    )["origin"]
    app.emulator.client("dynamodb").update_item(
        TableName=f"{PREFIX}-ledgers",
        Key={"key": {"S": f"{origin}#published"}},
        UpdateExpression="SET frozen = :reason",
        ExpressionAttributeValues={":reason": {"S": reason}},
    )
    refused = app.function_logs().count("refused: frozen")
    status, _, _ = app.request("POST", "/AuditEvent", token, event(), Content_Type=FHIR)
    assert status == 201  # portals notice nothing
    app.wait_until(lambda: app.function_logs().count("refused: frozen") > refused + 15)
    assert (dead_letters(), app.published_size()) == (dead, before)
    both = ["--archive", ARCHIVE, "--published", PUBLISHED]
    ran = app.ledger("unfreeze", *WHERE, *both, "--reason", reason)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    app.wait_until(lambda: app.published_size() > before)
    assert verify(app, policy)["size"] == before + 1
    assert dead_letters() == dead


DOCUMENT = "ni:///sha-256;f4OxZX_x_FO5LcGBSKHWXfwtSx-j1ncoSt3SABJtkGk"  # of RFC 6920, 8.1


@pytest.fixture(scope="module")
def recorded(app: App, published: int, token: str) -> dict[str, Any]:
    """An event that names a document, sent and awaited in a digest; as its sender knows it."""
    what = {"identifier": {"system": "urn:ietf:rfc:6920", "value": DOCUMENT}}
    sent = event()
    sent["entity"].append({"what": what})
    before = app.published_size()
    status, headers, _ = app.request("POST", "/AuditEvent", token, sent, Content_Type=FHIR)
    assert status == 201
    app.wait_until(lambda: app.published_size() > before)
    return {**sent, "id": headers["Location"].partition("/AuditEvent/")[2].partition("/")[0]}


def test_an_event_is_found_read_and_proven(
    app: App, recorded: dict[str, Any], policy: str, tmp_path: Path
) -> None:
    """By query, from its zip, with a reader's token; the command verifies the receipt."""
    reader, id_ = app.token("security"), recorded["id"]
    patient = recorded["entity"][0]["what"]["identifier"]
    query = urlencode({"patient.identifier": f"{patient['system']}|{patient['value']}"})
    assert app.request("GET", f"/AuditEvent?{query}", app.token("ehr"))[0] == 403
    status, _, body = app.request("GET", f"/AuditEvent?{query}", reader)
    assert status == 200, app.function_logs()
    found = [entry["resource"] for entry in json.loads(body)["entry"]]
    assert [one for one in found if one.get("entity") == recorded["entity"]]
    status, _, body = app.request("GET", f"/AuditEvent/{id_}", reader)
    assert (status, json.loads(body)["entity"]) == (200, recorded["entity"])
    status, _, body = app.request("GET", f"/AuditEvent/{id_}/receipt", reader)
    assert status == 200, body
    receipt = json.loads(body)
    (tmp_path / "proof").write_text(receipt["proof"])
    disclosed = {
        name: receipt[name]
        for name in ("entry", "index_row", "row_blind", "record", "record_blind")
    }
    (tmp_path / "record").write_text(json.dumps(disclosed))
    verified = ["--policy", policy, "--record", str(tmp_path / "record")]
    ran = app.ledger("receipt", "verify", str(tmp_path / "proof"), *verified)
    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_a_search_is_itself_an_event_by_the_reader(app: App, recorded: dict[str, Any]) -> None:
    """Query invokes ingest before it answers: the next digest covers the search."""
    reader, before = app.token("security"), app.published_size()
    assert app.request("GET", "/AuditEvent?date=ge2020", reader)[0] == 200
    app.wait_until(lambda: app.published_size() > before)
    status, _, body = app.request("GET", "/AuditEvent?type=110101&date=ge2020", reader)
    assert status == 200
    client_id = next(v for k, v in app.api.items() if k.startswith("ClientNorthSecurity"))
    uses = [entry["resource"] for entry in json.loads(body)["entry"]]
    agents = [use["agent"] for use in uses if use["resourceType"] == "AuditEvent"]
    assert agents
    assert all(client_id in json.dumps(agent) for agent in agents)


def test_views_of_the_follower_are_returned(app: App, recorded: dict[str, Any]) -> None:
    """The bus starts it after each digest, from its zip; query reads what it stored."""
    reader = app.token("security")

    def entries() -> Any:
        query = {"digest": DOCUMENT}
        kind = "application/json"
        status, _, body = app.request("POST", "/documents/verify", reader, query, Content_Type=kind)
        assert status == 200, app.function_logs()
        return json.loads(body)["entries"]

    assert [entry["id"] for entry in app.wait_until(entries)] == [recorded["id"]]
    status, _, body = app.request("GET", "/portals/ehr/gaps", reader)
    assert (status, json.loads(body)["gaps"]) == (200, [])
    assert app.request("GET", "/findings", reader)[0] == 200


def test_every_function_that_is_declared_has_code_of_its_own(bundled: Path) -> None:
    """Each template's asset is there, with the handler's file in it, and with no other function."""
    zips = dict(zips_of(bundled))
    seen = set()
    for template in bundled.glob("*.template.json"):
        for resource in json.loads(template.read_text())["Resources"].values():
            if resource["Type"] != "AWS::Lambda::Function":
                continue
            properties = resource["Properties"]
            if not properties["Handler"].startswith("functions."):
                continue
            with zipfile.ZipFile(BytesIO(zips[properties["Code"]["S3Key"]])) as code:
                names = set(code.namelist())
            module = properties["Handler"].rpartition(".")[0].replace(".", "/")
            assert f"{module}.py" in names
            folders = {name.split("/")[1] for name in names if name.startswith("functions/")}
            compiled = {"__pycache__"}  # where there is an interpreter of the functions' version
            assert folders - compiled == {"__init__.py", module.split("/")[1]}
            seen.add(module.split("/")[1])
    assert seen == {
        "ingest",
        "sequencer",
        "publisher",
        "published_files",
        "dead_letters",
        "query",
        "follower",
    }
