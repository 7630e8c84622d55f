"""The files of a ledger's staff directory, put into a bucket by the hospital: <ledger>/users.csv"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from audit_ledger.aws.clients import error_code
from audit_ledger.errors import TooLargeError, UnreachableError

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

MAX_FILES = 16
MAX_READS = 3
_CHANGED = ("PreconditionFailed", "412", "NoSuchKey", "404")
MAX_BYTES = 64 * 1024 * 1024  # of all files of a ledger, which the follower has in memory


@dataclass(frozen=True)
class DirectoryFiles:
    """One ledger's part of the bucket."""

    client: "S3Client"
    bucket: str
    ledger_id: str

    def tags(self) -> dict[str, str]:
        """Return the existing files by name, each with its ETag.

        Raise TooLargeError if they exceed the follower's limits.
        """
        listed = self.client.list_objects_v2(Bucket=self.bucket, Prefix=f"{self.ledger_id}/")
        found = listed.get("Contents", [])
        size = sum(item["Size"] for item in found)
        if listed["IsTruncated"] or len(found) > MAX_FILES or size > MAX_BYTES:
            raise TooLargeError(f"directory: at most {MAX_FILES} files of {MAX_BYTES} bytes")
        start = len(self.ledger_id) + 1
        # A folder made in the console is an object whose name ends after the prefix.
        return {item["Key"][start:]: item["ETag"] for item in found if item["Key"][start:]}

    def read(self) -> tuple[dict[str, str], dict[str, bytes]]:
        """Return the ETags and the contents of all files, as of one moment.

        Raise UnreachableError if they change during each of MAX_READS attempts.
        """
        for _ in range(MAX_READS):
            tags = self.tags()
            files = {name: self._read(name, tag) for name, tag in tags.items()}
            if None not in files.values():
                return tags, {name: data for name, data in files.items() if data is not None}
        raise UnreachableError("directory: its files change while they are read")

    def _read(self, name: str, tag: str) -> bytes | None:
        """Read a file; return None if its ETag has changed."""
        key = f"{self.ledger_id}/{name}"
        try:
            answer = self.client.get_object(Bucket=self.bucket, Key=key, IfMatch=tag)
        except ClientError as error:
            if error_code(error) in _CHANGED:
                return None
            raise
        return answer["Body"].read()
