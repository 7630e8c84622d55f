"""A ledger's directory, as the hospital put its files into their bucket: <ledger>/users.csv …"""

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
MAX_BYTES = 64 * 1024 * 1024  # of all files of a ledger: the follower holds what they say


@dataclass(frozen=True)
class DirectoryFiles:
    """One ledger's part of the bucket."""

    client: "S3Client"
    bucket: str
    ledger_id: str

    def tags(self) -> dict[str, str]:
        """Return the files that there are, by name, each with the tag of what it holds.

        TooLargeError where they are more than the follower takes.
        """
        listed = self.client.list_objects_v2(Bucket=self.bucket, Prefix=f"{self.ledger_id}/")
        found = listed.get("Contents", [])
        size = sum(item["Size"] for item in found)
        if listed["IsTruncated"] or len(found) > MAX_FILES or size > MAX_BYTES:
            raise TooLargeError(f"directory: at most {MAX_FILES} files of {MAX_BYTES} bytes")
        start = len(self.ledger_id) + 1
        # What a console calls a folder is an object without a name of its own.
        return {item["Key"][start:]: item["ETag"] for item in found if item["Key"][start:]}

    def read(self) -> tuple[dict[str, str], dict[str, bytes]]:
        """Read all files, and give their tags with what they hold, as of one moment.

        UnreachableError where they change all the time.
        """
        for _ in range(MAX_READS):
            tags = self.tags()
            files = {name: self._read(name, tag) for name, tag in tags.items()}
            if None not in files.values():
                return tags, {name: data for name, data in files.items() if data is not None}
        raise UnreachableError("directory: its files change while they are read")

    def _read(self, name: str, tag: str) -> bytes | None:
        """Read a file; None where it is not the one of that tag any more."""
        key = f"{self.ledger_id}/{name}"
        try:
            answer = self.client.get_object(Bucket=self.bucket, Key=key, IfMatch=tag)
        except ClientError as error:
            if error_code(error) in _CHANGED:
                return None
            raise
        return answer["Body"].read()
