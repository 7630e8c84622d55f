"""Large responses: within Lambda's limit, and compressed if the caller accepts gzip."""

import gzip
from base64 import b64encode

from audit_ledger.http.content_coding import accepts_gzip
from audit_ledger.http.openapi import header
from audit_ledger.http.request import Request
from audit_ledger.http.responses import Response
from audit_ledger.search.errors import RejectedSearchError

MAX_BYTES = 4_500_000
"""Of a body as sent: base64 makes 6.0 MB of it, and an answer of a function has 6 MiB."""


def compressed_response(
    request: Request, body: bytes, media_type: str, file_name: str = ""
) -> Response:
    """Answer 200 with a private body; RejectedSearchError (413) where it is too large.

    As base64, so that its size does not depend on its content. `file_name`: to save it under.
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
