"""Rate limits of callers: tokens per second and size of a token bucket."""

from typing import Final

import msgspec

from audit_ledger.token_bucket import Rate


class RateLimit(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True
):
    """The token bucket of a caller. None: the value of the enclosing ledger, stage or default."""

    rate: int | None = None
    """Tokens per second."""
    burst: int | None = None
    """Tokens of a full bucket."""

    def over(self, other: "RateLimit") -> "RateLimit":
        """Return this limit, with missing values taken from another."""
        return RateLimit(
            rate=other.rate if self.rate is None else self.rate,
            burst=other.burst if self.burst is None else self.burst,
        )

    @property
    def bucket(self) -> Rate | None:
        """The rate of the bucket; None if a value is missing: no limit applies."""
        if self.rate is None or self.burst is None:
            return None
        return Rate(self.rate, self.burst)


INHERITED: Final = RateLimit()
"""No values of its own: those of the enclosing ledger, stage or default apply."""


class RateLimits(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True
):
    """Limits of each portal and of each reader."""

    portal: RateLimit = RateLimit()
    reader: RateLimit = RateLimit()

    def over(self, other: "RateLimits") -> "RateLimits":
        """Return these limits, with missing values taken from others."""
        return RateLimits(
            portal=self.portal.over(other.portal), reader=self.reader.over(other.reader)
        )
