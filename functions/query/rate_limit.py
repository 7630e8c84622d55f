"""The limit of who reads: each question costs tokens of a bucket of the asker's own.

The bucket's key tells nobody who that is: it is a keyed hash of whom the token is for.
"""

from typing import Final

from audit_ledger.http.authorization import Authorization
from audit_ledger.limits import Limits
from audit_ledger.reading.ledger import Ledger
from audit_ledger.records.pseudonyms import caller_pseudonym

TOKENS: Final = {
    "GET /export": 10,
    "GET /accesses": 5,
    "GET /accounting": 5,
    "GET /reports/privacy": 10,
}
"""Of routes that look at many events; others cost one."""


def take_tokens(limits: Limits, ledger: Ledger, access: Authorization, route: str) -> None:
    """Spend what a question costs; ThrottledError: not now.

    Whom a token is for is its subject, else its patient. A ledger without keys has nothing to read.
    """
    if ledger.keys is None:
        return
    caller = access.subject or access.patient
    pseudonym = caller_pseudonym(ledger.keys.index_key, access.issuer, caller)
    tokens = TOKENS.get(route.replace("HEAD ", "GET "), 1)
    limits.spend(f"{ledger.origin}#reader#{pseudonym}", ledger.reader_limit, tokens)
