"""Large responses: within Lambda's limit, and compressed if the caller accepts gzip."""

import gzip
from base64 import b64encode

from audit_ledger.http.content_coding import accepts_gzip
from audit_ledger.http.openapi import header
from audit_ledger.http.request import Request
from audit_ledger.http.responses import Response
from audit_ledger.search.errors import RejectedSearchError

MAX_BYTES = 4_500_000
"""Of a body as sent: as base64 it has 6.0 MB, and a response of a function at most 6 MiB."""


def compressed_response(
    request: Request, body: bytes, media_type: str, file_name: str = ""
) -> Response:
    """Return a 200 with a private body; raise RejectedSearchError (413) if it is too large.

    In base64, so that the size does not depend on the content. `file_name`: to save it under.
    """
    headers = {
        "Content-Type": media_type,
        "Cache-Control": "no-store",
        "X-Content-Type-Options": "nosniff",
        "Vary": "Accept, Accept-Encoding",
    }
    if file_name:
        headers["Content-Disposition"] = f'attachment; filename="{file_name}"'
    packed = accepts_gzip(request.headers.get("accept-encoding", ""))
    if packed:
        body = gzip.compress(body, compresslevel=5, mtime=0)
        headers["Content-Encoding"] = "gzip"
    if len(body) > MAX_BYTES:
        expected = "a shorter period" if packed else "a shorter period, or Accept-Encoding: gzip"
        raise RejectedSearchError(
            "from and to",
            f"{expected}: a response has at most {MAX_BYTES:,} bytes",
            "too-long",
            413,
        )
    return {
        "statusCode": 200,
        "headers": headers,
        "body": b64encode(body).decode(),
        "isBase64Encoded": True,
    }


ACCEPT_ENCODING = header(
    "Accept-Encoding", "`gzip` for larger answers.", {"enum": ["gzip", "identity"]}
)
