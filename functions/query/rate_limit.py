"""The limit of readers: each request takes tokens from the caller's bucket.

The bucket's key does not reveal the caller: it is a keyed hash of the token's subject.
"""

from typing import Final

from audit_ledger.http.authorization import Authorization
from audit_ledger.limits import Limits
from audit_ledger.reading.ledger import ReadableLedger
from audit_ledger.records.pseudonyms import caller_pseudonym

TOKENS: Final = {
    "GET /export": 10,
    "GET /accesses": 5,
    "GET /accounting": 5,
    "GET /reports/privacy": 10,
}
"""Of routes that look at many events; others cost one."""


def take_tokens(limits: Limits, ledger: ReadableLedger, access: Authorization, route: str) -> None:
    """Take a request's tokens; raise ThrottledError if there are too few.

    The caller is the token's subject, or else its patient. A ledger without keys has no events.
    """
    if ledger.keys is None:
        return
    caller = access.subject or access.patient
    pseudonym = caller_pseudonym(ledger.keys.index_key, access.issuer, caller)
    tokens = TOKENS.get(route.replace("HEAD ", "GET "), 1)
    limits.spend(f"{ledger.origin}#reader#{pseudonym}", ledger.reader_limit, tokens)
