"""GET /published/{path}: one published file of the ledger that the token is for.

`path` is `<ledger id>/<file>`: `checkpoint` and `tile/…` as in C2SP tlog-tiles, or `digests/…`. Any
valid token for the ledger may read: published files contain no data of any person.
"""

from base64 import b64encode
from collections.abc import Callable, Mapping

from audit_ledger.aws.objects import BINARY, TEXT, StoredObject
from audit_ledger.errors import NotFoundError
from audit_ledger.events import RejectedEventError
from audit_ledger.http.accept_header import Offer, choose, parse_accept
from audit_ledger.http.authorization import Authorization, ForbiddenError
from audit_ledger.http.openapi import MESSAGE, OUTCOME, TEXT_SCHEMA, Json, answer, header, path
from audit_ledger.http.responses import Response
from audit_ledger.ledger.digest_name import LATEST
from audit_ledger.tlog.tiles import CHECKPOINT

MAX_KEY_BYTES = 1024  # of an object in S3
REPLACED = (CHECKPOINT, LATEST)
NO_CACHE = "private, no-cache"
IMMUTABLE = "private, max-age=31536000, immutable"


def read_published(
    access: Authorization,
    path: str,
    headers: Mapping[str, str],
    get: Callable[[str, str], StoredObject | None],
) -> Response:
    """Return a published file; raise NotFoundError if there is none.

    `get` reads a ledger's file. Raise ForbiddenError unless the token is for the ledger in `path`,
    RejectedEventError (406) if Accept excludes the file's content type.
    """
    ledger_id, _, file = path.partition("/")
    if access.required_ledger() != ledger_id:
        raise ForbiddenError("the token is for another ledger")
    is_key = file and len(path.encode()) <= MAX_KEY_BYTES  # S3 has another error for longer keys
    found = get(ledger_id, file) if is_key else None
    if found is None:
        raise NotFoundError("no such file in this ledger")
    tag = {"ETag": found.etag, "Cache-Control": NO_CACHE if file in REPLACED else IMMUTABLE}
    content_type = BINARY if file.startswith("tile/") else TEXT
    accepted = parse_accept(headers.get("accept", ""))
    if choose(accepted, [Offer((content_type.partition(";")[0], BINARY))]) is None:
        raise RejectedEventError(406, "not-supported", "Accept", content_type)
    return {
        "statusCode": 200,
        "headers": {"Content-Type": content_type, **tag},
        "isBase64Encoded": True,
        "body": b64encode(found.data).decode("ascii"),
    }


OPERATION: Json = {
    "operationId": "published",
    "summary": "One published file of the ledger that the token is for.",
    "description": (read_published.__doc__ or "").partition("\n\n")[0],
    "parameters": [
        path(
            "path",
            "Ledger id, and a name as in C2SP tlog-tiles, or a digest's.",
            {**TEXT_SCHEMA, "examples": ["st-elsewhere/checkpoint"]},
        ),
        header("If-None-Match", "The tag of what the caller has.", {"type": "string"}),
    ],
    "responses": {
        "200": {
            "description": "The file, byte for byte.",
            "headers": {"ETag": {"required": True, "schema": {"type": "string"}}},
            "content": {"application/octet-stream": {}, "text/plain": {}},
        },
        "304": {"description": "The caller's copy is current."},
        "403": answer("The token is for no or another ledger.", OUTCOME),
        "404": answer("No such file.", OUTCOME),
        "503": answer("Not available now: retry after Retry-After.", {**OUTCOME, **MESSAGE}),
    },
}
