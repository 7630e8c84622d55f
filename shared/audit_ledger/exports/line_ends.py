r"""Line ends that a transfer changed: the commonest way in which honest copies differ."""

from collections.abc import Iterable, Iterator
from hashlib import sha256


def differs_in_line_ends_only(pieces: Iterable[bytes], expected_sha256: str) -> bool:
    r"""Return whether a file is the expected one but for its line ends, `\n` or `\r\n`.

    `pieces`: of the file as found, of any size; `expected_sha256`: hex, of the file as made.
    """
    with_lf, with_crlf = sha256(), sha256()
    for piece in _with_lf(pieces):
        with_lf.update(piece)
        with_crlf.update(piece.replace(b"\n", b"\r\n"))
    return expected_sha256 in (with_lf.hexdigest(), with_crlf.hexdigest())


def _with_lf(pieces: Iterable[bytes]) -> Iterator[bytes]:
    r"""Replace `\r\n` by `\n`, also where it is parted between two pieces."""
    carried = b""
    for piece in pieces:
        whole = carried + piece
        carried = whole[-1:] if whole.endswith(b"\r") else b""
        yield whole[: len(whole) - len(carried)].replace(b"\r\n", b"\n")
    yield carried
