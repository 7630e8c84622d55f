"""Digests: which were published, and when."""

from collections.abc import Iterator
from urllib.parse import urlencode

import msgspec

from audit_ledger.client.api import Api, json_of
from audit_ledger.client.errors import UnansweredError
from audit_ledger.client.http_client import ApiRequest
from audit_ledger.instants import format_instant

_JSON = {"Accept": "application/json"}


class PublishedDigest(msgspec.Struct, frozen=True):
    """The end of a digest's period, and the tree as of then."""

    to: str
    size_after: int
    root: str


class _Digests(msgspec.Struct, frozen=True):
    digests: list[msgspec.Raw]
    next: str | None = None


def latest_digest(api: Api) -> Iterator[bytes]:
    """Return the newest digest."""
    yield api.request(ApiRequest("GET", "/digests/latest", headers=_JSON)).body


def digests_between(api: Api, first: int | None, to: int | None) -> Iterator[bytes]:
    """Return the digests that ended in a time, as the API returns them: an hour per answer."""
    parameters = {} if first is None else {"from": format_instant(first)}
    if to is not None:
        parameters["to"] = format_instant(to)
    while True:
        response = api.request(ApiRequest("GET", "/digests", urlencode(parameters), headers=_JSON))
        page = json_of(response.body, _Digests, f"{api.url}: GET /digests")
        yield from map(bytes, page.digests)
        if page.next is None:
            return
        if page.next <= parameters.get("from", ""):
            raise UnansweredError(f"{api.url}: GET /digests: its pages do not go on")
        parameters["from"] = page.next
