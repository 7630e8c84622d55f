"""A ledger's directory, as the hospital put its files into their bucket: <ledger>/users.csv …"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from audit_ledger.errors import TooLargeError, UnreachableError

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

MOST_FILES = 16
MOST_BYTES = 64 * 1024 * 1024  # of all files of a ledger: the follower holds what they say


@dataclass(frozen=True)
class DirectoryFiles:
    """One ledger's part of the bucket."""

    client: "S3Client"
    bucket: str
    ledger_id: str

    def tags(self) -> dict[str, str]:
        """Give the files that there are, by name, each with the tag of what it holds.

        TooLargeError where they are more than the follower takes.
        """
        listed = self.client.list_objects_v2(Bucket=self.bucket, Prefix=f"{self.ledger_id}/")
        found = listed.get("Contents", [])
        size = sum(item["Size"] for item in found)
        if listed["IsTruncated"] or len(found) > MOST_FILES or size > MOST_BYTES:
            raise TooLargeError(f"directory: at most {MOST_FILES} files of {MOST_BYTES} bytes")
        start = len(self.ledger_id) + 1
        return {item["Key"][start:]: item["ETag"] for item in found}

    def read(self, tags: Mapping[str, str]) -> dict[str, bytes]:
        """Read files as their tags say; UnreachableError where one changed meanwhile."""
        files = {}
        for name, tag in tags.items():
            key = f"{self.ledger_id}/{name}"
            answer = self.client.get_object(Bucket=self.bucket, Key=key)
            if answer["ETag"] != tag:
                raise UnreachableError("directory: a file changed while it was read")
            files[name] = answer["Body"].read()
        return files
