"""Text as messages show it; that of others neither steers a terminal nor forges a line."""


def printable(text: str) -> str:
    """Escape what a terminal would not just show."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def count_of(number: int, one: str, many: str = "") -> str:
    """Write a number with its noun: `1 event`, `1,024 events`; `many`: a plural without an s."""
    return f"{number:,} {one if number == 1 else many or f'{one}s'}"
