"""GET /published/{path}: one published file of the ledger that the token is for.

`path` is `<ledger id>/<file>`: `checkpoint` and `tile/…` as in C2SP tlog-tiles, or `digests/…`. Any
genuine token that names the ledger may read: what is published tells nothing of any person.
"""

from base64 import b64encode
from collections.abc import Callable, Mapping
from typing import Any

from audit_ledger.access import Access, ForbiddenError
from audit_ledger.aws.objects import BINARY, TEXT, StoredObject

Answer = dict[str, Any]
"""What a Lambda of an HTTP API returns."""

MAX_KEY_BYTES = 1024  # of an object in S3
REPLACED = ("checkpoint", "digests/latest")
ANEW = "private, no-cache"
FOREVER = "private, max-age=31536000, immutable"


def read_published(
    access: Access,
    path: str,
    headers: Mapping[str, str],
    get: Callable[[str, str], StoredObject | None],
) -> Answer:
    """Answer with a file, 304 where the caller has it (If-None-Match), 404 where there is none.

    `get` reads a ledger's file. ForbiddenError unless the token is for the ledger in the path.
    """
    ledger_id, _, file = path.partition("/")
    if access.required_ledger() != ledger_id:
        raise ForbiddenError("the token is for another ledger")
    is_key = file and len(path.encode()) <= MAX_KEY_BYTES  # of a longer one S3 says no 404
    found = get(ledger_id, file) if is_key else None
    if found is None:
        return refusal(404, "no such file in this ledger")
    tag = {"ETag": found.etag, "Cache-Control": ANEW if file in REPLACED else FOREVER}
    if headers.get("if-none-match") == found.etag:
        return {"statusCode": 304, "headers": tag}
    content_type = BINARY if file.startswith("tile/") else TEXT
    return {
        "statusCode": 200,
        "headers": {"Content-Type": content_type, **tag},
        "isBase64Encoded": True,
        "body": b64encode(found.data).decode("ascii"),
    }


def refusal(status: int, message: str) -> Answer:
    """Answer what could not be given, as API Gateway itself does."""
    return {
        "statusCode": status,
        "headers": {"Content-Type": "application/json"},
        "body": f'{{"message":"{message}"}}',
    }
