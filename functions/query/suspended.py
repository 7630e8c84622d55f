"""What a patient is not shown while an agency's suspension lasts: 45 CFR 164.528(a)(2).

The reports leave out whatever names a suspended recipient as an agent. Patients may read events
themselves too, and there a recipient can also be told by another element, by a narrative, or by the
question of somebody who searched for it. Rather too much is withheld than too little.
"""

import re
from base64 import b64decode
from binascii import Error
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any
from urllib.parse import unquote_plus

from audit_ledger.events.details import audit_event_of
from audit_ledger.events.json_document import read_json
from audit_ledger.records.opened_event import OpenedEvent
from audit_ledger.reports.suspension import Suspension, first_that_names


def tells_of(event: OpenedEvent, suspensions: Sequence[Suspension]) -> bool:
    """Say whether an event names a recipient of one of these suspensions, anywhere in it."""
    if not suspensions:
        return False
    if first_that_names(suspensions, event.details.agents) is not None:
        return True
    named = _pattern(frozenset(name for s in suspensions for name in s.recipients))
    documents = [read_json(event.resource, "the event")]
    if event.format == "cloudevents":
        documents.append(audit_event_of(event.resource, event.format))
    return any(named.search(text) for document in documents for text in _texts(document))


def _texts(value: Any, name: str = "") -> Iterator[str]:
    """Give every text in a document, an identifier as `<system>|<value>`, a query as it was."""
    if isinstance(value, dict):
        yield f"{value.get('system', '')}|{value.get('value', '')}"
        for member, inside in value.items():
            yield from _texts(inside, member)
    elif isinstance(value, list):
        for inside in value:
            yield from _texts(inside, name)
    elif isinstance(value, str):
        yield value
        if name == "query":
            yield unquote_plus(_decoded(value))


def _decoded(query: str) -> str:
    try:
        return b64decode(query).decode(errors="replace")
    except (Error, ValueError):
        return query


@lru_cache(maxsize=16)
def _pattern(recipients: frozenset[str]) -> re.Pattern[str]:
    """Find any of the recipients as a word of its own; an id alone where agents are asked for."""
    words: set[str] = set()
    for recipient in recipients:
        kind, _, name = recipient.partition("|")
        words.add(re.escape(name))
        if kind == "reference":
            id_ = re.escape(name.rpartition("/")[2])
            words.add(rf"(?:agent|user)[.:\w]*=(?:[^&]*,)?{id_}")
    return re.compile(rf"(?<![\w-])(?:{'|'.join(sorted(words))})(?![\w-])", re.IGNORECASE)
