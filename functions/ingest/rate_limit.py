"""The rate limit of a portal: each request costs tokens of its bucket before it is parsed.

A request costs one token, and one for each further 4 KB of its body as sent; after decompression,
the difference too. Events of the bus and of the ledger itself are not limited here.
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
    """The bucket of one portal of a ledger. `rate`: None if it has no limit."""

    limits: Limits
    key: str
    rate: Rate | None

    def spend_on_sent(self, event: Mapping[str, Any]) -> int:
        """Spend and return the cost of a request as sent; raise ThrottledError if too high."""
        tokens = tokens_of(sent_bytes(event))
        self.limits.spend(self.key, self.rate, tokens)
        return tokens

    def spend_on_unpacked(self, size_bytes: int, spent: int) -> None:
        """Spend a decompressed body's cost beyond `spent`; raise ThrottledError if too high."""
        self.limits.spend(self.key, self.rate, tokens_of(size_bytes) - spent, spent)


def portal_limit(limits: Limits, ledger: LedgerContext, portal: str) -> PortalLimit:
    """Return a portal's own limit, or that of the ledger's portals."""
    rate = ledger.settings.portal_limit(portal).bucket
    return PortalLimit(limits, f"{ledger.origin}#portal#{portal}", rate)


def tokens_of(size_bytes: int) -> int:
    """Return the cost of a request with a body of this size."""
    return max(1, -(-size_bytes // BYTES_PER_TOKEN))


def sent_bytes(event: Mapping[str, Any]) -> int:
    """Return the size of a body without decoding it."""
    body: str = event.get("body") or ""
    if event.get("isBase64Encoded"):
        return len(body) * 3 // 4 - body[-2:].count("=")
    return len(body) if body.isascii() else len(body.encode(errors="surrogatepass"))
