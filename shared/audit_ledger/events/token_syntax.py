r"""Parse escapes and tokens of FHIR's search syntax (R4 and R5, Search: Escaping, token).

    token   system|code   |code   code   system|

`\,` `\|` `\$` `\\` stand for the character itself; a backslash before anything else is an error,
as in HL7's rule: dropping it could name another person. Search, reports, exports, access tokens,
conditional references in events and the CLI share this parser.
"""

import re
from typing import Final

_ESCAPED: Final = re.compile(r"(?:[^\\]|\\[\\,|$])*", re.DOTALL)
_CHARACTERS: Final = re.compile(r"\\.|[^\\]", re.DOTALL)
_SPECIAL: Final = re.compile(r"[\\,|$]")


def split_unescaped(text: str, separator: str) -> list[str]:
    """Split at each separator without a backslash before it; keep escapes in place.

    Raise ValueError if a backslash precedes anything but backslash, comma, bar or dollar.
    """
    _require_escapes(text)
    parts = [[""]]
    for character in _CHARACTERS.findall(text):
        if character == separator:
            parts.append([""])
        else:
            parts[-1].append(character)
    return ["".join(part) for part in parts]


def unescape(text: str) -> str:
    """Return a text without its escapes; raise ValueError as `split_unescaped`."""
    _require_escapes(text)
    return re.sub(r"\\(.)", r"\1", text, flags=re.DOTALL)


def _require_escapes(text: str) -> None:
    if not _ESCAPED.fullmatch(text):
        raise ValueError("a backslash precedes a character other than \\ , | or $")


def escape(text: str) -> str:
    """Put a backslash before the special characters: backslash, comma, bar and dollar."""
    return _SPECIAL.sub(r"\\\g<0>", text)


def read_token(text: str) -> tuple[str | None, str | None]:
    """Return system and code; None if absent: `code` is of any system, `system|` has any code.

    `|code` has the system "". Raise ValueError for several bars, a bar alone and wrong escapes.
    """
    parts = split_unescaped(text, "|")
    if len(parts) > 2 or text == "|":
        raise ValueError("expected system|code, |code, code or system|")
    if len(parts) == 1:
        return None, unescape(text)
    return unescape(parts[0]), unescape(parts[1]) or None
