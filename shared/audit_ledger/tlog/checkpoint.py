"""C2SP tlog-checkpoint: the note text that states a tree's size and root.

example.com/behind-the-sofa⏎                         origin
20852163⏎                                            size
CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=⏎        base64 of the root hash
<extension line>⏎                                    any number, none as a rule
"""

from dataclasses import dataclass

from audit_ledger.tlog import strict_base64, strict_decimal
from audit_ledger.tlog.errors import FormatError
from audit_ledger.tlog.rfc6962 import HASH_SIZE, MAX_SIZE


@dataclass(frozen=True)
class Checkpoint:
    """Origin, number of entries (below 2^63), root hash (32 bytes). FormatError: out of range."""

    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Raise FormatError for values that would not be read back unchanged."""
        _check_line(self.origin, "origin")
        for line in self.extensions:
            _check_line(line, "extension line")
        if not 0 <= self.size <= MAX_SIZE:
            raise FormatError(f"checkpoint: size {self.size}, expected 0 to 2^63 - 1")
        if len(self.root) != HASH_SIZE:
            raise FormatError(f"checkpoint: {len(self.root)} bytes of root, expected {HASH_SIZE}")

    @property
    def text(self) -> str:
        """The note text that is signed."""
        extensions = "".join(f"{line}\n" for line in self.extensions)
        return f"{self.origin}\n{self.size}\n{strict_base64.encode(self.root)}\n{extensions}"


def parse_checkpoint(text: str) -> Checkpoint:
    """Read the text of a signed note as a checkpoint; raises FormatError."""
    if not text.endswith("\n"):
        raise FormatError("checkpoint: the text does not end in a newline")
    lines = text[:-1].split("\n")
    if len(lines) < 3:
        raise FormatError("checkpoint: fewer than the three lines origin, size and root")
    origin, size, root, *extensions = lines
    checkpoint = Checkpoint(
        origin,
        strict_decimal.parse(size, what="checkpoint: size"),
        strict_base64.decode(root, size=HASH_SIZE, what="checkpoint: root"),
        tuple(extensions),
    )
    if checkpoint.text != text:
        raise FormatError("checkpoint: not in canonical form")
    return checkpoint


def _check_line(line: str, what: str) -> None:
    if not line:
        raise FormatError(f"checkpoint: the {what} is empty")
    if any(character < " " for character in line):
        raise FormatError(f"checkpoint: the {what} has a control character")
