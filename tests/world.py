"""One ledger's tables, buckets, keys and queue on moto, created without the templates."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import boto3
import pytest
from moto import mock_aws

from audit_ledger.aws.kms_data_keys import WrappingKey
from audit_ledger.aws.ledgers_table import LedgersTable
from infra.local.aws.moto_kms import patch_moto_kms

STAGE = "test"
LEDGER = "st-elsewhere"
ORIGIN = f"audit.example.org/{LEDGER}"
NAME = f"audit-ledger-{STAGE}"
REGION = "eu-central-1"
ALIAS = f"alias/{NAME}/{LEDGER}"
TABLES = {
    "blocks": ("origin", "first_seq"),
    "events": ("key", None),
    "subjects": ("key", "generation"),
    "ledgers": ("key", None),
    "views": ("key", None),
    "limits": ("key", None),
}
INDEXES: dict[str, dict[str, tuple[str | None, list[str]]]] = {
    "events": {name: ("place", ["block"]) for name in ("patient", "agent", "late")},
    "subjects": {"pseudonym": (None, [])},
}
"""By table: an index named after its key, its sort key (a number), and its further attributes."""

ENVIRONMENT = {
    "AWS_DEFAULT_REGION": REGION,
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "POWERTOOLS_SERVICE_NAME": "test",
    "WRAPPING_KEY": f"{ALIAS}/wrapping",
    "POWERTOOLS_METRICS_NAMESPACE": "AuditLedger",
    "POWERTOOLS_TRACE_DISABLED": "true",
    "STAGE": STAGE,
    "LEDGER_ID": LEDGER,
    "ORIGIN": ORIGIN,
    **{f"{table.upper()}_TABLE": f"{NAME}-{table}" for table in TABLES},
    "PUBLISHED_BUCKET": f"{NAME}-published",
    "ARCHIVE_BUCKET": f"{NAME}-archive",
    "INDEX_BUCKET": f"{NAME}-index",
    "SEQUENCER_KEY": f"{ALIAS}/sequencer",
    "CHECKPOINT_ED25519_KEY": f"{ALIAS}/checkpoint-ed25519",
    "CHECKPOINT_MLDSA44_KEY": f"{ALIAS}/checkpoint-mldsa44",
    "EVENT_BUS": NAME,
    "INGEST_FUNCTION": f"{NAME}-ingest:own",
    "DIRECTORY_BUCKET": "",
    "LOCK_MODE": "GOVERNANCE",
    "LOCK_DAYS": "1",
    "TOKEN_CLAIMS": json.dumps({"ledger": "ledger", "portal": "portal", "patient": "patient"}),
}


@dataclass(frozen=True)
class World:
    """Clients of the emulated AWS of a test."""

    dynamodb: Any
    kms: Any
    s3: Any
    sqs: Any
    ssm: Any
    queue_url: str

    def items(self, table: str) -> list[dict[str, Any]]:
        """Return all items of a table."""
        pages = self.dynamodb.get_paginator("scan").paginate(TableName=f"{NAME}-{table}")
        return [item for page in pages for item in page["Items"]]

    def states(self) -> list[dict[str, Any]]:
        """Return the items of the ledgers table but the keys: the published state, if any."""
        return [i for i in self.items("ledgers") if not i["key"]["S"].endswith("#keys")]

    def messages(self) -> list[dict[str, Any]]:
        """Remove all messages from the queue; return them as Lambda receives them."""
        taken: list[dict[str, Any]] = []
        while True:
            answer = self.sqs.receive_message(QueueUrl=self.queue_url, MaxNumberOfMessages=10)
            if not answer.get("Messages"):
                return taken
            for message in answer["Messages"]:
                taken.append({"messageId": message["MessageId"], "body": message["Body"]})
                self.sqs.delete_message(
                    QueueUrl=self.queue_url, ReceiptHandle=message["ReceiptHandle"]
                )

    def published_file(self, path: str) -> bytes:
        """Return one published file of the ledger."""
        key = {"Bucket": f"{NAME}-published", "Key": f"{LEDGER}/{path}"}
        return bytes(self.s3.get_object(**key)["Body"].read())

    def published(self) -> dict[str, bytes]:
        """Return every published file of the ledger, by its path."""
        return self._files("published")

    def archived(self) -> dict[str, bytes]:
        """Return every file of the ledger's archive, by its path."""
        return self._files("archive")

    def indexed(self) -> dict[str, bytes]:
        """Return every object of the ledger's index, by its path."""
        return self._files("index")

    def _files(self, name: str) -> dict[str, bytes]:
        bucket, start = f"{NAME}-{name}", len(LEDGER) + 1
        pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket=bucket)
        return {
            item["Key"][start:]: self.s3.get_object(Bucket=bucket, Key=item["Key"])["Body"].read()
            for page in pages
            for item in page.get("Contents", [])
        }


@contextmanager
def made_world(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """Create the world, and remove it at the end."""
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    patch_moto_kms()
    with mock_aws():
        sqs = boto3.client("sqs", REGION)
        world = World(
            boto3.client("dynamodb", REGION),
            boto3.client("kms", REGION),
            boto3.client("s3", REGION),
            sqs,
            boto3.client("ssm", REGION),
            sqs.create_queue(QueueName=f"{NAME}-{LEDGER}")["QueueUrl"],
        )
        _make_tables(world)
        _make_keys(world)
        for bucket in ("published", "archive", "index"):
            world.s3.create_bucket(
                Bucket=f"{NAME}-{bucket}",
                CreateBucketConfiguration={"LocationConstraint": REGION},
                ObjectLockEnabledForBucket=bucket != "index",
            )
        boto3.client("events", REGION).create_event_bus(Name=NAME)
        world.ssm.put_parameter(
            Name=f"/{NAME}/ledgers/{LEDGER}",
            Type="String",
            Value=json.dumps(
                {"origin": ORIGIN, "portals": {"ehr": {"patient": {"reference": True}}}}
            ),
        )
        keys = WrappingKey(world.kms, f"{ALIAS}/wrapping", ORIGIN).first_keys()
        LedgersTable(world.dynamodb, f"{NAME}-ledgers", ORIGIN).put_first_keys(keys)
        yield world


def _make_tables(world: World) -> None:
    for table, (hash_key, range_key) in TABLES.items():
        schema = [{"AttributeName": hash_key, "KeyType": "HASH"}]
        kinds = [{"AttributeName": hash_key, "AttributeType": "S"}]
        if range_key:
            schema.append({"AttributeName": range_key, "KeyType": "RANGE"})
            kinds.append({"AttributeName": range_key, "AttributeType": "N"})
        indexes = [_index(name, *how) for name, how in INDEXES.get(table, {}).items()]
        for name, (sort, _) in INDEXES.get(table, {}).items():
            kinds.append({"AttributeName": name, "AttributeType": "S"})
            if sort and {"AttributeName": sort, "AttributeType": "N"} not in kinds:
                kinds.append({"AttributeName": sort, "AttributeType": "N"})
        world.dynamodb.create_table(
            TableName=f"{NAME}-{table}",
            KeySchema=schema,
            AttributeDefinitions=kinds,
            BillingMode="PAY_PER_REQUEST",
            **({"GlobalSecondaryIndexes": indexes} if indexes else {}),
        )


def _index(name: str, sort: str | None, beside: list[str]) -> dict[str, Any]:
    schema = [{"AttributeName": name, "KeyType": "HASH"}]
    if sort:
        schema.append({"AttributeName": sort, "KeyType": "RANGE"})
    projection: dict[str, Any] = {"ProjectionType": "KEYS_ONLY"}
    if beside:
        projection = {"ProjectionType": "INCLUDE", "NonKeyAttributes": beside}
    return {"IndexName": name, "KeySchema": schema, "Projection": projection}


def _make_keys(world: World) -> None:
    for name, spec in (
        ("sequencer", "ECC_NIST_EDWARDS25519"),
        ("checkpoint-ed25519", "ECC_NIST_EDWARDS25519"),
        ("checkpoint-mldsa44", "ML_DSA_44"),
        ("wrapping", "SYMMETRIC_DEFAULT"),
    ):
        usage = "ENCRYPT_DECRYPT" if name == "wrapping" else "SIGN_VERIFY"
        key = world.kms.create_key(KeySpec=spec, KeyUsage=usage)["KeyMetadata"]["KeyId"]
        world.kms.create_alias(AliasName=f"{ALIAS}/{name}", TargetKeyId=key)
