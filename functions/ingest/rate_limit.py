"""The limit of a portal: each request costs tokens of its bucket, before anything of it is read.

One for the request, and one for each further 4 KB of its body as it was sent; once it is unpacked,
what that is more. Events of the bus and of the ledger itself have other ways in, and no limit here.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from audit_ledger.limits import Limits
from audit_ledger.token_bucket import Rate
from functions.ingest.ledger_context import LedgerContext

BYTES_PER_TOKEN: Final = 4096


@dataclass(frozen=True)
class PortalLimit:
    """The bucket of one portal of a ledger. `rate`: None where it has no limit."""

    limits: Limits
    key: str
    rate: Rate | None

    def spend_on_sent(self, event: Mapping[str, Any]) -> int:
        """Spend what a request as it was sent costs, and give that; ThrottledError: not now."""
        tokens = tokens_of(sent_bytes(event))
        self.limits.spend(self.key, self.rate, tokens)
        return tokens

    def spend_on_unpacked(self, size_bytes: int, spent: int) -> None:
        """Spend what a body costs beyond what was spent on it; ThrottledError: not now."""
        self.limits.spend(self.key, self.rate, tokens_of(size_bytes) - spent, spent)


def portal_limit(limits: Limits, ledger: LedgerContext, portal: str) -> PortalLimit:
    """Return a portal's own limit, or that of the ledger's portals."""
    rate = ledger.settings.portal_limit(portal).bucket
    return PortalLimit(limits, f"{ledger.origin}#portal#{portal}", rate)


def tokens_of(size_bytes: int) -> int:
    """Return what a request with a body of this size costs."""
    return max(1, -(-size_bytes // BYTES_PER_TOKEN))


def sent_bytes(event: Mapping[str, Any]) -> int:
    """Return the size of a body without decoding it."""
    body: str = event.get("body") or ""
    if event.get("isBase64Encoded"):
        return len(body) * 3 // 4 - body[-2:].count("=")
    return len(body) if body.isascii() else len(body.encode(errors="surrogatepass"))
