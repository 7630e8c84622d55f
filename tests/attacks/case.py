"""A row of the matrix: one way of tampering, and who finds what."""

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

    `finds`: what `ledger verify` finds of it at first contact. `remembering`: what it finds if it
    verified the ledger when it was whole; None: the same. `publisher`: why it freezes the ledger
    before it signs anything, to the letter; or that it GOES_ON, and verification finds afterwards
    what it found before; or HEALS: puts again what is published, and nothing is to be found any
    more. `monitor`: what tells a monitor, where nothing else does; a monitor is yet to be built.
    `unlisted`: what it finds at first contact where nothing can be listed (plain HTTP); None: the
    same, but for what stands beside the ledger.
    `later_seconds`: by how much later than the ledger's now it is looked at.
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
        """Name it, for whoever runs it alone."""
        return f"{self.target}: {self.way}"

    @property
    def finds_unlisted(self) -> tuple[Found, ...]:
        """What is found where nothing can be listed."""
        if self.unlisted is not None:
            return self.unlisted
        return tuple(
            found
            for found in self.finds
            if found[0] != "unknown-object" and not BESIDE_THE_LEDGER.fullmatch(found[1])
        )

    @property
    def remembered_finds(self) -> tuple[Found, ...]:
        """What is found by who verified the ledger when it was whole."""
        return self.finds if self.remembering is None else self.remembering
