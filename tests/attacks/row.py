"""A row of the matrix: one way of tampering, and who finds what."""

from collections.abc import Callable
from dataclasses import dataclass

from tests.attacks.ledger import Ledger

Tamper = Callable[[Ledger], None]
Found = tuple[str, str, tuple[int, int] | None]
"""Code, where and entries of a finding."""

GOES_ON, HEALS = "goes on", "heals"

NOTHING: tuple[Found, ...] = ()


@dataclass(frozen=True)
class Row:
    """`target` and `way`: what was attacked, and how.

    `finds`: what `ledger verify` finds of it at first contact. `remembering`: what it finds if it
    verified the ledger when it was whole; None: the same. `publisher`: why it freezes the ledger
    before it signs anything, to the letter; or that it GOES_ON, and verification finds afterwards
    what it found before; or HEALS: puts again what is published, and nothing is to be found any
    more. `monitor`: what tells a monitor, where nothing else does; a monitor is yet to be built.
    `later_seconds`: by how much later than the ledger's now it is looked at.
    """

    target: str
    way: str
    tamper: Tamper
    finds: tuple[Found, ...] = NOTHING
    remembering: tuple[Found, ...] | None = None
    publisher: str = GOES_ON
    monitor: str = ""
    later_seconds: int = 0

    @property
    def name(self) -> str:
        """Name it, for whoever runs it alone."""
        return f"{self.target}: {self.way}"

    @property
    def remembered_finds(self) -> tuple[Found, ...]:
        """What is found by who verified the ledger when it was whole."""
        return self.finds if self.remembering is None else self.remembering
