"""A page as the standard library's parser reads it."""

from html.parser import HTMLParser

VOID = {"meta", "br", "wbr"}


class ReadPage(HTMLParser):
    """Text by element, tables by id of their section, all tags and attributes."""

    def __init__(self, page: bytes) -> None:
        """Parse the whole page."""
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: dict[str, list[str]] = {}
        self.tables: dict[str, list[list[str]]] = {}
        self.heads: dict[str, list[str]] = {}
        self.text = ""
        self._open: list[str] = []
        self._section = ""
        self.feed(page.decode())
        self.close()
        assert self._open == [], "every element is closed"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Enter an element."""
        self.tags.append((tag, dict(attrs)))
        if tag in VOID:
            return
        self._open.append(tag)
        if tag == "section":
            self._section = dict(attrs)["id"] or ""
        elif tag == "tr" and "tbody" in self._open:
            self.tables.setdefault(self._section, []).append([])
        elif tag == "td":
            self.tables[self._section][-1].append("")
        elif tag == "th":
            self.heads.setdefault(self._section, []).append("")
        if tag != "small":
            self.texts.setdefault(tag, []).append("")

    def handle_endtag(self, tag: str) -> None:
        """Leave the innermost element."""
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        """Add text to the elements around it; small print does not belong to its cell."""
        if self._open and self._open[-1] == "style":
            return
        self.text += data
        if "small" in self._open:
            return
        for tag in set(self._open):
            self.texts[tag][-1] += data
        if "td" in self._open:
            self.tables[self._section][-1][-1] += data
        if "th" in self._open:
            self.heads[self._section][-1] += data
