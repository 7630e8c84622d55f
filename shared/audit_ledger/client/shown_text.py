"""Text of others as messages show it: it neither steers a terminal nor forges a line."""


def printable(text: str) -> str:
    """Escape what a terminal would not just show."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
