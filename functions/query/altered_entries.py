"""Warnings of responses while entries of the ledger differ from what was sent.

An attacker who alters a message in the queue can make an entry name no person, or another one: the
index then does not lead to it, and any response may lack it. The follower compares every entry once
it is published; the newest, which it may not have read yet, are compared here.
"""

from typing import Final

from audit_ledger.errors import FormatError, LedgerError, NotFoundError, UnreachableError
from audit_ledger.ledger.block import body_time
from audit_ledger.ledger.follower_views import Gaps
from audit_ledger.reading.event_finder import EventFinder
from audit_ledger.reading.snapshot import LogSnapshot
from functions.query.access import NO_SUCH_EVENT, AuthorizedRequest

MAX_NAMED: Final = 5
MAX_SECONDS_UNCHECKED: Final = 15 * 60


def not_found_error(authorized: AuthorizedRequest, finder: EventFinder) -> NotFoundError:
    """Return the error of an event that is not found, with the warnings about altered entries."""
    return NotFoundError("; ".join((NO_SUCH_EVENT, *alteration_warnings(authorized, finder))))


def alteration_warnings(authorized: AuthorizedRequest, finder: EventFinder) -> tuple[str, ...]:
    """Return the warnings that a response must contain; none while all entries are unaltered."""
    try:
        gaps = authorized.views.gaps() or Gaps(0)
    except FormatError:
        gaps = Gaps(0)
    first_young, young = _check_young(authorized, finder)
    named = sorted({*gaps.first_altered, *young})
    count = gaps.altered + sum(seq >= gaps.followed for seq in young)
    warnings = []
    if count:
        numbers = ", ".join(map(str, named[:MAX_NAMED])) + (", …" if count > MAX_NAMED else "")
        entries = f"{count:,} entries" if count > 1 else "1 entry"
        warnings.append(
            f"{entries} of this ledger cannot be read as sent: altered in the queue or a table "
            f"(entry {numbers}); they may be about any patient, so this answer may lack them"
        )
    state = authorized.state
    if state is None or not state.digest_name:
        warnings.append("nothing of this ledger is published yet: this answer lacks what was sent")
    elif state.frozen is not None:
        warnings.append(
            "this ledger is frozen, since what is stored and what is published disagree: this "
            "answer may lack events"
        )
    if _is_behind(authorized, finder.log, gaps.followed, first_young):
        warnings.append(f"whether entries from {gaps.followed:,} on are as sent is not known yet")
    return tuple(warnings)


def _check_young(authorized: AuthorizedRequest, finder: EventFinder) -> tuple[int, list[int]]:
    """Return the first entry of the newest blocks, and those entries that were altered."""
    if authorized.ledger.keys is None:
        return finder.log.size, []
    found = []
    first = finder.log.size
    for stored in finder.log.young(authorized.now):
        first = min(first, stored.first_seq)
        try:
            finder.opener.require_sent(stored)
        except UnreachableError:
            continue  # its ledger key is too new to be known here
        except LedgerError:
            found.append(stored.seq)
    return first, found


def _is_behind(
    authorized: AuthorizedRequest, log: LogSnapshot, followed: int, first_young: int
) -> bool:
    """Return whether older entries have not been compared for a long time."""
    if followed >= first_young:
        return False
    block = log.blocks.ending_before(followed + 1)
    return block is not None and body_time(block.body) < authorized.now - MAX_SECONDS_UNCHECKED
