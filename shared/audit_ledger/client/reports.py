"""Reports, in a format of the API."""

import zlib
from collections.abc import Sequence
from urllib.parse import quote, urlencode

from audit_ledger.client.api import Api
from audit_ledger.client.errors import UnansweredError
from audit_ledger.client.http_client import ApiRequest
from audit_ledger.http_transport import HttpResponse

PATHS = {"accounting": "/accounting", "accesses": "/accesses", "privacy": "/reports/privacy"}
_MAX_BYTES = 256 << 20  # unpacked


def fetch_report(api: Api, kind: str, parameters: Sequence[tuple[str, str]], format_: str) -> bytes:
    """Return a report. `kind`: a key of PATHS; `format_`: json, csv or html."""
    path = PATHS[kind]
    query = urlencode([*parameters, ("_format", format_)], safe="/:,", quote_via=quote)
    response = api.request(ApiRequest("GET", path, query, headers={"Accept-Encoding": "gzip"}))
    return _decompress(response, f"{api.url}: GET {path}")


def _decompress(response: HttpResponse, where: str) -> bytes:
    if response.header("content-encoding") != "gzip":
        return response.body
    unpacking = zlib.decompressobj(zlib.MAX_WBITS | 16)
    try:
        body = unpacking.decompress(response.body, _MAX_BYTES)
    except zlib.error:
        body = b""
    if not unpacking.eof:
        raise UnansweredError(f"{where}: the answer is not what the API gives")
    return body
