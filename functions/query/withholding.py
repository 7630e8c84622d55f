"""Events withheld from a patient while an agency's suspension lasts: 45 CFR 164.528(a)(2).

The reports leave out events that name a suspended recipient as an agent. Patients may also read
events, and there another element, a narrative, or a recorded search can reveal a recipient. If in
doubt, an event is withheld.
"""

import re
from base64 import b64decode
from binascii import Error
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any
from urllib.parse import unquote_plus

from audit_ledger.records.opened_event import OpenedEvent
from audit_ledger.reports.suspension import Suspension, first_that_names

# A parameter's name is read once, whether or not a value follows.
_PARAMETER = re.compile(r"(?<![\w-])([.:\w]++)(=)?")
_OF_AGENTS = re.compile(r"(?:^|[.:])(?:agent|user)")
_GOES_ON = re.compile(r"[\w-]")


def names_recipient(event: OpenedEvent, suspensions: Sequence[Suspension]) -> bool:
    """Return whether an event names a recipient of one of these suspensions, anywhere in it."""
    if not suspensions:
        return False
    if first_that_names(suspensions, event.details.agents) is not None:
        return True
    words, ids = _patterns_of(frozenset(name for s in suspensions for name in s.recipients))
    documents: list[Any] = [event.document.root]
    if event.format == "cloudevents":
        documents.append(event.document.audit_event)
    return any(
        words.search(text) or requests_recipient(text, ids)
        for document in documents
        for text in _texts(document)
    )


def _texts(value: Any, name: str = "") -> Iterator[str]:
    """Yield every text in a document, identifiers as `<system>|<value>`, queries decoded too."""
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
            yield unquote_plus(_decode_query(value))


def _decode_query(query: str) -> str:
    try:
        return b64decode(query).decode(errors="replace")
    except (Error, ValueError):
        return query


@lru_cache(maxsize=16)
def _patterns_of(recipients: frozenset[str]) -> tuple[re.Pattern[str], tuple[str, ...]]:
    """Return a pattern for any of the recipients as a whole word, and the ids of those with one."""
    names, ids = set(), set()
    for recipient in recipients:
        kind, _, name = recipient.partition("|")
        names.add(re.escape(name))
        if kind == "reference":
            ids.add(name.rpartition("/")[2].casefold())
    words = re.compile(rf"(?<![\w-])(?:{'|'.join(sorted(names))})(?![\w-])", re.IGNORECASE)
    return words, tuple(sorted(ids))


def requests_recipient(text: str, ids: Sequence[str]) -> bool:
    """Return whether a text searches for agents or users by one of these ids alone: `agent=a,b`."""
    for part in text.casefold().split("&"):
        for found in _PARAMETER.finditer(part):
            if found[2] and _OF_AGENTS.search(found[1]):
                values = part[found.end() :].split(",")
                if any(_is_id(value, id_) for value in values for id_ in ids):
                    return True
                break  # the rest of the part was looked at
    return False


def _is_id(value: str, id_: str) -> bool:
    return value.startswith(id_) and not _GOES_ON.match(value, len(id_))
