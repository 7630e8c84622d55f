"""S3 objects under one ledger's prefix: put once and locked, or replaced with care."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from audit_ledger.aws.clients import error_code
from audit_ledger.errors import LostRaceError, NotFoundError, VerificationError
from audit_ledger.settings.retention import Retention

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_TAKEN = ("PreconditionFailed", "ConditionalRequestConflict", "412", "409")
_ABSENT = ("NoSuchKey", "404")
BINARY = "application/octet-stream"
TEXT = "text/plain; charset=utf-8"


@dataclass(frozen=True)
class StoredObject:
    """An object's bytes, and its ETag for conditional replacement."""

    data: bytes
    etag: str


class LedgerObjects:
    """One ledger's objects in one bucket. Paths are below the ledger's prefix.

    `retention`: of the objects that are put locked; None if none is.
    """

    def __init__(
        self, client: "S3Client", bucket: str, prefix: str, retention: Retention | None = None
    ) -> None:
        self._client = client
        self._bucket = bucket
        self._prefix = prefix
        self._retention = retention

    def get(self, path: str) -> StoredObject | None:
        """Read an object; return None if absent."""
        try:
            answer = self._client.get_object(Bucket=self._bucket, Key=self._key(path))
        except ClientError as error:
            if error_code(error) in _ABSENT:
                return None
            raise
        return StoredObject(answer["Body"].read(), answer["ETag"])

    def put_once(
        self, path: str, data: bytes, now: int, *, locked: bool, content_type: str = BINARY
    ) -> None:
        """Put an object that never changes; putting the same bytes again changes nothing.

        Raise VerificationError if the object exists with other bytes.
        """
        lock = _lock_arguments(self._retention, now) if locked else {}
        try:
            self._client.put_object(
                Bucket=self._bucket,
                Key=self._key(path),
                Body=data,
                ContentType=content_type,
                IfNoneMatch="*",
                **lock,
            )
        except ClientError as error:
            if error_code(error) not in _TAKEN:
                raise
            there = self.get(path)
            if there is None:
                raise  # two writers at once (409): the next run retries
            if there.data != data:
                raise VerificationError(f"{path}: exists with other bytes") from None

    def replace(
        self, path: str, data: bytes, old: StoredObject | None, content_type: str = TEXT
    ) -> None:
        """Replace exactly `old` by `data`; raise LostRaceError if it has changed."""
        condition: dict[str, Any] = {"IfMatch": old.etag} if old else {"IfNoneMatch": "*"}
        try:
            self._client.put_object(
                Bucket=self._bucket,
                Key=self._key(path),
                Body=data,
                ContentType=content_type,
                CacheControl="no-cache",
                **condition,
            )
        except ClientError as error:
            if error_code(error) in _TAKEN:
                raise LostRaceError(f"{path} changed meanwhile") from None
            raise

    def names(self, folder: str, after: str = "") -> Iterator[str]:
        """Yield the paths of all objects under a folder (`tile/0/`) that sort after `after`.

        In order, 1,000 per call.
        """
        pages = self._client.get_paginator("list_objects_v2").paginate(
            Bucket=self._bucket, Prefix=self._key(folder), StartAfter=self._key(after or folder)
        )
        start = len(self._prefix) + 1
        for page in pages:
            yield from (item["Key"][start:] for item in page.get("Contents", []))

    def deleted(self, folder: str) -> Iterator[str]:
        """Yield the paths of deleted objects under a folder that still have versions."""
        pages = self._client.get_paginator("list_object_versions").paginate(
            Bucket=self._bucket, Prefix=self._key(folder)
        )
        start = len(self._prefix) + 1
        for page in pages:
            for marker in page.get("DeleteMarkers", []):
                if marker["IsLatest"]:
                    yield marker["Key"][start:]

    def versions(self, path: str) -> Iterator[bytes]:
        """Yield the bytes of an object's versions, newest first, even if it is deleted."""
        key = self._key(path)
        pages = self._client.get_paginator("list_object_versions").paginate(
            Bucket=self._bucket, Prefix=key
        )
        versions = [v for page in pages for v in page.get("Versions", []) if v["Key"] == key]
        for version in sorted(versions, key=lambda version: version["LastModified"], reverse=True):
            answer = self._client.get_object(
                Bucket=self._bucket, Key=key, VersionId=version["VersionId"]
            )
            yield answer["Body"].read()

    def retention_of_the_first(self, folder: str) -> Retention:
        """Return the lock of the first object under a folder; raise NotFoundError if none."""
        first = next(iter(self.names(folder)), None)
        if first is None:
            raise NotFoundError(f"{folder}: no object found")
        answer = self._client.head_object(Bucket=self._bucket, Key=self._key(first))
        mode, until = answer.get("ObjectLockMode"), answer.get("ObjectLockRetainUntilDate")
        if mode not in ("COMPLIANCE", "GOVERNANCE") or until is None:
            raise NotFoundError(f"{first}: not locked: the retention of other objects is unknown")
        return Retention(mode, max(1, round((until - answer["LastModified"]) / timedelta(days=1))))

    def delete(self, path: str) -> None:
        """Delete an object that is not locked (a partial tile)."""
        self._client.delete_object(Bucket=self._bucket, Key=self._key(path))

    def _key(self, path: str) -> str:
        return f"{self._prefix}/{path}"


def _lock_arguments(retention: Retention | None, now: int) -> dict[str, Any]:
    """Return PutObject's Object Lock arguments as of `now` (seconds since 1970)."""
    if retention is None:
        raise ValueError("objects without a retention cannot be put locked")
    until = datetime.fromtimestamp(now, UTC) + timedelta(days=retention.days)
    return {"ObjectLockMode": retention.mode, "ObjectLockRetainUntilDate": until}
