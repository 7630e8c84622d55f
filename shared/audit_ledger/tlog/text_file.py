"""Detection of text files that a transfer or an editor has rewritten."""

from audit_ledger.tlog.errors import FormatError

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


def check_unchanged_text(data: bytes, what: str) -> None:
    """Raise FormatError if line ends or a byte order mark show that text was rewritten.

    No C2SP text format has a carriage return or a byte order mark, so nothing valid is refused.
    """
    first = data.find(b"\r\n")
    if first >= 0:
        number = data.count(b"\n", 0, first) + 1
        raise FormatError(
            f"{what}, line {number}: ends in CR LF, expected LF alone: "
            "a transfer or an editor changed the file; fetch it again as binary"
        )
    if data.startswith(_BYTE_ORDER_MARK):
        raise FormatError(
            f"{what}: begins with a byte order mark, expected none: an editor changed the file"
        )
