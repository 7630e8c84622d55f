"""Receipts of events, as soon as a checkpoint covers them."""

import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext

import msgspec

from audit_ledger.client.api import Api, event_path, json_of
from audit_ledger.client.errors import UnansweredError
from audit_ledger.client.http_client import ApiRequest, pause
from audit_ledger.http_transport import HttpResponse

Waiting = Callable[[str], AbstractContextManager[None]]
_WAIT_SECONDS = 60.0  # where the server does not say
_ARRIVAL_SECONDS = (2.0, 3.0, 5.0, 10.0)  # until what was accepted is in the ledger


def _in_silence(_reason: str) -> AbstractContextManager[None]:
    return nullcontext()


class EventReceipt(msgspec.Struct, frozen=True):
    """The proof (C2SP tlog-proof) of an entry, and in base64 what it commits to."""

    index: int
    proof: str
    entry: str
    index_row: str
    row_blind: str
    record: str
    record_blind: str


def fetch_receipt(
    api: Api, event_id: str, wait_seconds: int, waiting: Waiting = _in_silence
) -> EventReceipt:
    """Return the receipt of an event; UnansweredError if no checkpoint covers it in that time.

    `waiting` returns the context of each wait, by its reason.
    """
    request = ApiRequest(
        "GET", f"{event_path(event_id)}/receipt", headers={"Accept": "application/json"}
    )
    end = time.monotonic() + wait_seconds
    response = _await_arrival(api, request, end, waiting)
    with waiting("waiting for a checkpoint that covers the event"):
        while response.status == 202:
            left = end - time.monotonic()
            if left <= 0:
                raise UnansweredError(
                    f"event {event_id}: in the ledger, and no checkpoint covers it yet; "
                    "one is published every minute (--wait)"
                )
            pause(min(left, response.retry_after_seconds or _WAIT_SECONDS))
            response = api.request(request)
    where = f"{api.url}: GET {event_path(event_id)}/receipt"
    return json_of(response.body, EventReceipt, where)


def _await_arrival(api: Api, request: ApiRequest, end: float, waiting: Waiting) -> HttpResponse:
    """Request until the ledger has the event.

    An event that was accepted a moment ago is still in a queue: "not found" is final only after
    some seconds.
    """
    for seconds in _ARRIVAL_SECONDS:
        if time.monotonic() + seconds > end:
            break
        response = api.request(request, also=(404,))
        if response.status != 404:
            return response
        with waiting("waiting for the event to be in the ledger"):
            pause(seconds)
    return api.request(request)
