"""The page docs/reliability.md: a table for each part, in a fixed text."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

HEAD = """# Reliability

Results of the long forms of the tests. `make soak` writes this page;
`make soak SOAK="--only races"` runs one part alone.
The short forms run in `make test`.
[threat-model.md](threat-model.md) describes what an attacker can do, and who detects it.
"""
TITLES = {
    "crashes": "Crashes: every call to AWS fails in every way, alone and in pairs",
    "races": "Races: writers and publishers at once, late and repeated",
    "fuzz": "Hostile input: every parser and the HTTP API",
}


@dataclass(frozen=True)
class Part:
    """The run of a part: where and how long, and rows of what was tried and the results."""

    name: str
    run: str
    rows: list[tuple[str, str]]


def write_page(page: Path, parts: Mapping[str, Part]) -> None:
    """Write the page."""
    pieces = [HEAD]
    for name, title in TITLES.items():
        if name in parts:
            part = parts[name]
            pieces.append(f"\n## {title}\n\nRun: {part.run}.\n\n| tried | result |\n|---|---|\n")
            pieces += [f"| {tried} | {result} |\n" for tried, result in part.rows]
    if missing := [name for name in TITLES if name not in parts]:
        pieces.append(f"\nNot run in full yet: {', '.join(missing)}.\n")
    page.write_text("".join(pieces))


def read_parts(page: Path) -> dict[str, Part]:
    """Read the parts of a page, so that one can be replaced alone."""
    if not page.exists():
        return {}
    parts = {}
    for section in page.read_text().split("\n## ")[1:]:
        title = section.partition("\n")[0]
        (name,) = (n for n, t in TITLES.items() if t == title)
        run = re.search(r"^Run: (.*)\.$", section, re.MULTILINE)
        rows = re.findall(r"^\| (.*) \| (.*) \|$", section, re.MULTILINE)
        parts[name] = Part(name, run[1] if run else "", rows[1:])
    return parts
