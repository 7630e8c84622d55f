r"""Find the plain texts that an encoded text may stand for, also if encodings are nested.

    M%C3%BCller   M\u00fcller   M&uuml;ller   M&#252;ller   MÃ¼ller   TcO8bGxlcg==
    M=C3=BCller   M%u00fcller   M<b>ü</b>ller   4dc3bc6c6c6572

all decode to Müller. Work is linear in the text: MAX_ROUNDS bounds the nesting.
"""

import re
from base64 import b64decode
from binascii import a2b_qp
from contextlib import suppress
from html import unescape
from typing import Final
from urllib.parse import unquote_to_bytes

MAX_ROUNDS: Final = 3

_ENTITY: Final = re.compile(r"&(?:#[0-9]{1,12}|#[xX][0-9a-fA-F]{1,12}|[A-Za-z]{2,8});")
_ESCAPE: Final = re.compile(
    r"[\\%]u([0-9a-fA-F]{4})|\\u\{(0{0,4}[0-9a-fA-F]{1,5})\}|\\x([0-9a-fA-F]{2})"
)
_QUOTED: Final = re.compile("=[0-9A-F]{2}")  # quoted-printable, RFC 2045, Section 6.7
_TAG: Final = re.compile("</?[A-Za-z][^<>]*>")
_HEXADECIMAL: Final = re.compile("(?:[0-9A-Fa-f]{2}){4,}")
_BASE64: Final = re.compile(r"[A-Za-z0-9+/_-]{12,}")  # 9 bytes and more within other text
_ALL_BASE64: Final = re.compile(r"[A-Za-z0-9+/_-]{6,}={0,2}")
_SPACE: Final = re.compile(r"\s+")
_CONTROLS: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufffd]")
_URL_SAFE: Final = str.maketrans("-_", "+/")


def decodings(text: str) -> list[str]:
    """Return a text and all its decodings, itself first, each once."""
    found = dict.fromkeys((text,))
    latest = [text]
    for _ in range(MAX_ROUNDS):
        latest = [plain for one in latest for plain in _decoded(one) if plain not in found]
        if not latest:
            break
        found |= dict.fromkeys(latest)
    return list(found)


def _decoded(text: str) -> list[str]:
    found = []
    plain = _unescaped(text)
    if plain != text:
        found.append(plain)
    if "<" in text:
        found.append(_TAG.sub("", text))
    if _QUOTED.search(text):
        found.append(_decode(a2b_qp(text.encode("utf-8", "replace"))) or "")
    found.append(_decoded_base64(text))
    if _HEXADECIMAL.fullmatch(text):
        found.append(_decode(bytes.fromhex(text)) or "")
    return [one for one in found if one]


def _unescaped(text: str) -> str:
    if "%" in text:
        text = _decode(unquote_to_bytes(text.encode("utf-8", "replace"))) or text
    if "&" in text:
        text = _ENTITY.sub(lambda entity: unescape(entity[0]), text)
    if "\\" in text or "%u" in text:
        text = _ESCAPE.sub(lambda escape: chr(int(escape[escape.lastindex or 0], 16)), text)
    if not text.isascii():
        with suppress(UnicodeError):  # UTF-8 that was decoded as Windows-1252
            text = text.encode("cp1252").decode("utf-8")
    return text


def _decoded_base64(text: str) -> str:
    """Return the text that base64 in a text stands for: all of it, or runs among other text."""
    whole = _SPACE.sub("", text)
    if _ALL_BASE64.fullmatch(whole):
        return _decode(_bytes_of(whole.rstrip("="))) or ""
    inside = (_decode_utf8(_bytes_of(run)) for run in _BASE64.findall(text))
    return " ".join(text for text in inside if text)


def _bytes_of(encoded: str) -> bytes:
    digits = encoded.translate(_URL_SAFE)
    digits = digits[: len(digits) - (len(digits) % 4 == 1)]
    return b64decode(digits + "=" * (-len(digits) % 4))


def _decode(data: bytes) -> str | None:
    """Decode UTF-8, UTF-16 or Windows-1252; return None if the bytes are no text."""
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return data.decode("utf-16", "replace")
    if b"\0" in data:
        little = data[1::2].count(0) >= data[::2].count(0)
        return data.decode("utf-16-le" if little else "utf-16-be", "replace")
    text = _decode_utf8(data)
    if text is None:
        text = data.decode("cp1252", "replace")
        return None if _CONTROLS.search(text) else text
    return text


def _decode_utf8(data: bytes) -> str | None:
    try:
        text = data.decode("utf-8")
    except UnicodeError:
        return None
    return None if _CONTROLS.search(text) else text
