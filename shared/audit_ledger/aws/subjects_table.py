"""The subjects table: one secret per subject, year and generation. Deleting a row erases.

Key (origin#row key, generation); generation = year × 1000 + number, so that a year's first is
2026000 and the one after a retirement 2026001. `pseudonym` leads back from an index row to its
secret (a secondary index, deleted with the row). Secrets are never cached: every request reads
them, consistently, so that a retired generation is out of use immediately.
"""

from collections.abc import Iterable, Sequence
from os import urandom
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from audit_ledger.aws.batches import batch_get
from audit_ledger.aws.clients import error_code
from audit_ledger.errors import VerificationError
from audit_ledger.records.index_row import PSEUDONYM_BYTES
from audit_ledger.records.keyed_hash import KeyedHash
from audit_ledger.records.pseudonyms import patient_pseudonym
from audit_ledger.records.subject_secret import SubjectSecret
from audit_ledger.tlog import strict_base64

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

SECRET_BYTES = 32
GENERATIONS_PER_YEAR = 1000


class SubjectsTable:
    """One ledger's subjects."""

    def __init__(self, client: "DynamoDBClient", table: str, origin: str) -> None:
        self._client = client
        self._table = table
        self._origin = origin

    def current(self, row_keys: Sequence[str], year: int) -> dict[str, SubjectSecret]:
        """Return this year's secret of each row key (64 hex, distinct); create missing ones."""
        first = year * GENERATIONS_PER_YEAR
        requests = [(self._table, self._key(row_key, first)) for row_key in row_keys]
        rows = {
            item["key"]["S"].removeprefix(f"{self._origin}#"): item
            for _, item in batch_get(self._client, requests)
        }
        return {row_key: self._secret(row_key, year, rows.get(row_key)) for row_key in row_keys}

    def _secret(self, row_key: str, year: int, first: dict[str, Any] | None) -> SubjectSecret:
        if first is not None and "retired" not in first:
            return _subject_secret(first)
        # New this year, or the first generation is retired, or it is erased and has a successor.
        newest = self._newest(row_key, year)
        if newest is None:
            return self._create(row_key, year, year * GENERATIONS_PER_YEAR)
        if "retired" not in newest:
            return _subject_secret(newest)
        return self._create(row_key, year, int(newest["generation"]["N"]) + 1)

    def _create(self, row_key: str, year: int, generation: int) -> SubjectSecret:
        """Create a generation; if another request was first, return that one's secret."""
        secret = urandom(SECRET_BYTES)
        pseudonym = strict_base64.encode(patient_pseudonym(KeyedHash(secret)))
        try:
            self._client.put_item(
                TableName=self._table,
                Item={
                    **self._key(row_key, generation),
                    "secret": {"B": secret},
                    "pseudonym": {"S": f"{self._origin}#{pseudonym}"},
                },
                ConditionExpression="attribute_not_exists(generation)",
            )
        except ClientError as error:
            if error_code(error) != "ConditionalCheckFailedException":
                raise
            return self._secret(row_key, year, None)
        return SubjectSecret(generation, secret)

    def _newest(self, row_key: str, year: int) -> dict[str, Any] | None:
        """Return the newest generation of a year (consistent); None if the year has none."""
        first = year * GENERATIONS_PER_YEAR
        answer = self._client.query(
            TableName=self._table,
            KeyConditionExpression="#key = :key AND generation BETWEEN :first AND :last",
            ExpressionAttributeNames={"#key": "key"},
            ExpressionAttributeValues={
                ":key": {"S": f"{self._origin}#{row_key}"},
                ":first": {"N": str(first)},
                ":last": {"N": str(first + GENERATIONS_PER_YEAR - 1)},
            },
            ConsistentRead=True,
            ScanIndexForward=False,
            Limit=1,
        )
        return answer["Items"][0] if answer["Items"] else None

    def generations(self, row_key: str) -> list[SubjectSecret]:
        """Return all secrets of a subject, of all years, the oldest first (consistent)."""
        pages = self._client.get_paginator("query").paginate(
            TableName=self._table,
            KeyConditionExpression="#key = :key",
            ExpressionAttributeNames={"#key": "key"},
            ExpressionAttributeValues={":key": {"S": f"{self._origin}#{row_key}"}},
            ConsistentRead=True,
        )
        return [_subject_secret(item) for page in pages for item in page["Items"]]

    def of_pseudonyms(self, pseudonyms: Iterable[bytes]) -> dict[bytes, SubjectSecret]:
        """Return the secret of each patient pseudonym, without erased ones.

        The secondary index by pseudonym is eventually consistent: a secret created a second ago may
        appear erased.
        """
        keys = [key for pseudonym in pseudonyms for key in self._keys_of(pseudonym)]
        found = {}
        for _, item in batch_get(self._client, [(self._table, key) for key in keys]):
            pseudonym = item["pseudonym"]["S"].removeprefix(f"{self._origin}#")
            found[strict_base64.decode(pseudonym, size=PSEUDONYM_BYTES)] = _subject_secret(item)
        return found

    def _keys_of(self, pseudonym: bytes) -> list[dict[str, Any]]:
        answer = self._client.query(
            TableName=self._table,
            IndexName="pseudonym",
            KeyConditionExpression="pseudonym = :pseudonym",
            ExpressionAttributeValues={
                ":pseudonym": {"S": f"{self._origin}#{strict_base64.encode(pseudonym)}"}
            },
        )
        return [{"key": i["key"], "generation": i["generation"]} for i in answer["Items"]]

    def _key(self, row_key: str, generation: int) -> dict[str, Any]:
        return {
            "key": {"S": f"{self._origin}#{row_key}"},
            "generation": {"N": str(generation)},
        }


def _subject_secret(item: dict[str, Any]) -> SubjectSecret:
    """Read a row; raise VerificationError unless its pseudonym derives from its secret.

    Otherwise a writer of the table could exchange two secrets unnoticed: one patient's name would
    then lead to another's records, or to none.
    """
    try:
        secret = bytes(item["secret"]["B"])
        generation, pseudonym = int(item["generation"]["N"]), item["pseudonym"]["S"]
    except (KeyError, TypeError, ValueError):
        raise VerificationError("a subject's row lacks attributes") from None
    expected = strict_base64.encode(patient_pseudonym(KeyedHash(secret)))
    if len(secret) != SECRET_BYTES or pseudonym.rpartition("#")[2] != expected:
        raise VerificationError("a subject's row contains a secret of another pseudonym")
    return SubjectSecret(generation, secret)
