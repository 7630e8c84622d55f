"""Copies what a ledger publishes to plain files, as a tlog-mirror or a sync command would."""

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from audit_ledger.ledger.digest_name import LATEST
from audit_ledger.tlog.tiles import CHECKPOINT
from infra.local.aws.calls import client

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_LAST = (LATEST, CHECKPOINT)


@dataclass
class Mirror:
    """One ledger's published files in a folder."""

    bucket: str
    ledger_id: str
    folder: Path
    region: str
    _tags: dict[str, str] = field(default_factory=dict)

    def update(self) -> int:
        """Copy what is new or changed, drop what is gone; return the number of files.

        A reader who looks meanwhile sees a whole ledger: the checkpoint is written after all that
        it covers, and partial tiles go after that. Every file appears at once with all its bytes.
        """
        s3: S3Client = client("s3", self.region)
        pages = s3.get_paginator("list_objects_v2").paginate(
            Bucket=self.bucket, Prefix=f"{self.ledger_id}/"
        )
        there = {
            item["Key"].partition("/")[2]: item["ETag"]
            for page in pages
            for item in page.get("Contents", ())
        }
        changed = [path for path, tag in there.items() if self._tags.get(path) != tag]
        for path in sorted(changed, key=lambda p: (p in _LAST, _rank(p), p)):
            answer = s3.get_object(Bucket=self.bucket, Key=f"{self.ledger_id}/{path}")
            write_whole(self.folder / path, answer["Body"].read())
            self._tags[path] = answer["ETag"]
        gone = [path for path in self._tags if path not in there]
        for path in gone:
            (self.folder / path).unlink(missing_ok=True)
            del self._tags[path]
        return len(changed) + len(gone)


def _rank(path: str) -> int:
    return _LAST.index(path) if path in _LAST else -1


def write_whole(file: Path, data: bytes) -> None:
    """Write a file so that it is there with all its bytes or not at all."""
    file.parent.mkdir(parents=True, exist_ok=True)
    unfinished = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        unfinished.write_bytes(data)
        unfinished.replace(file)
    except OSError:  # a full disk is not made fuller
        unfinished.unlink(missing_ok=True)
        raise
