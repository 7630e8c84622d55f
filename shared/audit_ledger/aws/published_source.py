"""A published ledger in S3, as a source for the verifier."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from audit_ledger.aws.clients import AwsError, error_code, s3
from audit_ledger.errors import FormatError, UnreachableError
from audit_ledger.shown_url import shown_url
from audit_ledger.verify.content_coding import decode_content
from audit_ledger.verify.deadline import DEADLINE_SECONDS, read_within
from audit_ledger.verify.sources import MAX_OBJECT_BYTES

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


@dataclass(frozen=True)
class S3Source:
    """Objects below a prefix of a bucket, read with the credentials of the environment.

    S3 returns 404 for a missing object to readers with list permission, so a denial is never taken
    for absence. `deadline_seconds`: for one object with all attempts, if the server is untrusted;
    None for a trusted one.
    """

    bucket: str
    prefix: str = ""
    deadline_seconds: float | None = None

    @property
    def name(self) -> str:
        """The s3:// URL."""
        return f"s3://{self.bucket}/{self.prefix}"

    @property
    def is_remote(self) -> bool:
        """Whether reads need the network: always True."""
        return True

    def read(self, path: str) -> bytes | None:
        """Read one object, at most MAX_OBJECT_BYTES and one byte; botocore retries."""
        if self.deadline_seconds is None:
            return self._read(path)
        what = f"{self.name}: {path}"
        return read_within(self.deadline_seconds, what, lambda: self._read(path))

    def _read(self, path: str) -> bytes | None:
        try:
            answer = _client().get_object(Bucket=self.bucket, Key=self._key(path))
            data = answer["Body"].read(MAX_OBJECT_BYTES + 1)
        except ClientError as error:
            if error_code(error) in ("NoSuchKey", "404"):
                return None
            raise UnreachableError(f"{self.name}: {path}: {error_code(error)}") from None
        except AwsError as error:
            raise UnreachableError(f"{self.name}: {path}: {error}") from None
        try:
            return decode_content(data, answer.get("ContentEncoding", ""))
        except UnreachableError as error:
            raise UnreachableError(f"{self.name}: {path}: {error}") from None

    def list_all(self) -> Iterator[str]:
        """List all objects below the prefix."""
        start = self._key("")
        try:
            pages = _client().get_paginator("list_objects_v2")
            for page in pages.paginate(Bucket=self.bucket, Prefix=start):
                for item in page.get("Contents", ()):
                    yield item["Key"].removeprefix(start)
        except AwsError as error:
            raise UnreachableError(f"{self.name}: {error}") from None

    def _key(self, path: str) -> str:
        return f"{self.prefix}/{path}" if self.prefix else path


def s3_source(url: str) -> S3Source:
    """Parse `s3://bucket/prefix`; raise FormatError for anything else."""
    scheme, _, rest = url.partition("://")
    bucket, _, prefix = rest.partition("/")
    if scheme != "s3" or not bucket:
        raise FormatError(f"{shown_url(url)}: expected s3://bucket/prefix")
    if "@" in bucket:
        raise FormatError(f"{shown_url(url)}: credentials come from the environment, not the URL")
    return S3Source(bucket, prefix.strip("/"), DEADLINE_SECONDS)


@lru_cache(maxsize=1)
def _client() -> "S3Client":
    """Return this process's client: clients cannot be sent to worker processes, sources can."""
    return s3()
