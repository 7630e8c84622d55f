r"""Escapes and tokens of FHIR's search syntax (R4 and R5, Search: Escaping, token): the one parser.

    token   system|code   |code   code   system|

`\,` `\|` `\$` `\\` stand for the character itself; a backslash before anything else is an error,
as HL7 has it: to drop it would name somebody else. Used by search, reports, exports, the claims of
tokens, conditional references in events, and the command.
"""

import re
from typing import Final

_ESCAPED: Final = re.compile(r"(?:[^\\]|\\[\\,|$])*", re.DOTALL)
_CHARACTERS: Final = re.compile(r"\\.|[^\\]", re.DOTALL)
_SPECIAL: Final = re.compile(r"[\\,|$]")


def split_unescaped(text: str, separator: str) -> list[str]:
    """Split at a separator that no backslash stands before; escapes stay in place.

    ValueError where a backslash stands before anything but backslash, comma, bar or dollar.
    """
    if not _ESCAPED.fullmatch(text):
        raise ValueError("a backslash stands before another character than \\ , | or $")
    parts = [[""]]
    for character in _CHARACTERS.findall(text):
        if character == separator:
            parts.append([""])
        else:
            parts[-1].append(character)
    return ["".join(part) for part in parts]


def unescape(text: str) -> str:
    """Return the characters that a text stands for; ValueError as `split_unescaped`."""
    if not _ESCAPED.fullmatch(text):
        raise ValueError("a backslash stands before another character than \\ , | or $")
    return re.sub(r"\\(.)", r"\1", text, flags=re.DOTALL)


def escape(text: str) -> str:
    """Put a backslash before what has a meaning in a value: backslash, comma, bar and dollar."""
    return _SPECIAL.sub(r"\\\g<0>", text)


def read_token(text: str) -> tuple[str | None, str | None]:
    """Return system and code; None for what is not given: `code` is any system's, `system|` any
    code.

    `|code` has the system "". ValueError for more than one bar, a bar alone, and wrong escapes.
    """
    parts = split_unescaped(text, "|")
    if len(parts) > 2 or text == "|":
        raise ValueError("neither system|code nor |code, code or system|")
    if len(parts) == 1:
        return None, unescape(text)
    return unescape(parts[0]), unescape(parts[1]) or None
