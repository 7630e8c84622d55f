"""A row of the matrix: one way of tampering, and what detects it."""

import re
from collections.abc import Callable
from dataclasses import dataclass

from tests.attacks.ledger import AttackedLedger

Tamper = Callable[[AttackedLedger], None]
Found = tuple[str, str, tuple[int, int] | None]
"""Code, where and entries of a finding."""

GOES_ON, HEALS = "goes on", "heals"

NOTHING: tuple[Found, ...] = ()

BESIDE_THE_LEDGER = re.compile(
    r"tile/0/002.p/(3|8|98)"
    r"|tile/entries/(002.p/8|002.p/98|001.p/1)"  # of earlier checkpoints, or of the next
)


@dataclass(frozen=True)
class Case:
    """`target` and `way`: what was attacked, and how.

    `finds`: the findings of `ledger verify` at first contact. `remembering`: its findings if it
    verified the whole ledger before; None: the same. `publisher`: the exact reason for which it
    freezes the ledger before it signs anything; or GOES_ON, and verification finds the same
    afterwards; or HEALS: it puts the published files again, and verification finds nothing.
    `monitor`: what a monitor would detect, if nothing else detects it; there is no monitor yet.
    `unlisted`: the findings at first contact without a listing (plain HTTP); None: the same, except
    for objects beside the ledger. `later_seconds`: how much later than the ledger's clock it is
    verified.
    """

    target: str
    way: str
    tamper: Tamper
    finds: tuple[Found, ...] = NOTHING
    remembering: tuple[Found, ...] | None = None
    publisher: str = GOES_ON
    monitor: str = ""
    unlisted: tuple[Found, ...] | None = None
    later_seconds: int = 0

    @property
    def name(self) -> str:
        """The name of the row, which selects its test."""
        return f"{self.target}: {self.way}"

    @property
    def finds_unlisted(self) -> tuple[Found, ...]:
        """The findings without a listing."""
        if self.unlisted is not None:
            return self.unlisted
        return tuple(
            found
            for found in self.finds
            if found[0] != "unknown-object" and not BESIDE_THE_LEDGER.fullmatch(found[1])
        )

    @property
    def remembered_finds(self) -> tuple[Found, ...]:
        """The findings of a verifier that verified the whole ledger before."""
        return self.finds if self.remembering is None else self.remembering
