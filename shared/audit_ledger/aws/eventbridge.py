"""Announce events of a ledger on EventBridge, under the stage's source."""

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from audit_ledger.aws.clients import AwsError, error_code
from audit_ledger.errors import UnreachableError
from audit_ledger.settings.event_bus import BUS_SOURCE

if TYPE_CHECKING:
    from mypy_boto3_events import EventBridgeClient

MAX_EVENTS_PER_PUT = 10


class EventBus:
    """The bus of a stage, to announce on."""

    def __init__(self, client: "EventBridgeClient", bus: str) -> None:
        self._client = client
        self._bus = bus

    def put(self, detail_type: str, details: Sequence[Mapping[str, Any]]) -> None:
        """Put events of one type, ten per call, in order; the bus has accepted them on return.

        Raise UnreachableError unless it accepted all: some of them may have been delivered.
        """
        entries: list[Any] = [
            {
                "EventBusName": self._bus,
                "Source": BUS_SOURCE,
                "DetailType": detail_type,
                "Detail": json.dumps(detail),
            }
            for detail in details
        ]
        for start in range(0, len(entries), MAX_EVENTS_PER_PUT):
            try:
                answer = self._client.put_events(
                    Entries=entries[start : start + MAX_EVENTS_PER_PUT]
                )
            except AwsError as error:
                raise UnreachableError(f"the bus accepted no event: {error_code(error)}") from None
            if answer["FailedEntryCount"]:
                codes = sorted({e["ErrorCode"] for e in answer["Entries"] if "ErrorCode" in e})
                raise UnreachableError(f"the bus did not accept all events: {', '.join(codes)}")
