"""`ledger search` prints all events that match, and nothing that controls a terminal."""

import json
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from tests.cli.stub_searchset import Pages, event, event_id, requested
from tests.cli.stub_server import StubResponse, StubServer, stub_server
from tests.cli.stubbed_command import StubbedCommand

DONE, USAGE, INCOMPLETE = 0, 2, 3
WARNING = "no portal of this ledger names patients like this"


def test_options_become_parameters(runner: StubbedCommand, stub: StubServer) -> None:
    """They are percent-encoded; strict handling lets the server refuse unknown ones."""
    stub.respond = Pages(0).answer
    options = ["--patient", "urn:mrn|7 &ü", "--agent", "Practitioner/1", "--from", "2026"]
    options += ["--to", "2026-11-22", "--action", "read", "--type", "a|b", "--outcome", "8"]
    options += ["--param", "entity-type=x=y", "--param", "date=lt2027", "--sort", "date"]
    result = runner.run("search", *options, "--limit", "7")
    assert (result.code, result.out) == (DONE, "no event matches\n")
    assert requested(stub) == [
        ("patient.identifier", "urn:mrn|7 &ü"),
        ("agent", "Practitioner/1"),
        ("date", "ge2026"),
        ("date", "le2026-11-22"),
        ("action", "R"),
        ("type", "a|b"),
        ("outcome", "8"),
        ("entity-type", "x=y"),
        ("date", "lt2027"),
        ("_sort", "date"),
        ("_count", "7"),
    ]
    assert stub.requests[0].headers["prefer"] == "handling=strict"
    assert stub.requests[0].headers["accept"] == "application/fhir+json"


@pytest.mark.parametrize(
    ("action", "letters"),
    [("C", "C"), ("c", "C"), ("create", "C"), ("Create", "C"), ("read,create", "R,C")],
)
def test_actions_are_requested_by_letters(
    runner: StubbedCommand, stub: StubServer, action: str, letters: str
) -> None:
    """Users may write FHIR's letters or words."""
    stub.respond = Pages(0).answer
    assert runner.run("search", "--action", action).code == DONE
    assert ("action", letters) in requested(stub)


@pytest.mark.parametrize("action", ["view", "read,"])
def test_an_unknown_action_is_rejected(
    runner: StubbedCommand, stub: StubServer, action: str
) -> None:
    """A search for it would match nothing, as if there were no such events."""
    result = runner.run("search", "--action", action)
    assert (result.code, stub.requests) == (USAGE, [])
    assert "read (R)" in result.err


@pytest.mark.parametrize(
    ("options", "total", "counts"),
    [
        ([], 50, ["50"]),
        (["--limit", "3"], 3, ["3"]),
        (["--limit", "250"], 250, ["100", "100", "50"]),
        (["--all"], 260, ["100", "100", "100"]),
    ],
)
def test_the_limit_bounds_the_events_of_all_pages(
    runner: StubbedCommand, stub: StubServer, options: list[str], total: int, counts: list[str]
) -> None:
    """No page is larger than needed."""
    stub.respond = Pages(260).answer
    result = runner.run("search", *options)
    ids = [line.strip() for line in result.out.splitlines() if line.startswith("  0")]
    assert ids == [event_id(n) for n in range(total)]
    assert [dict(parse_qsl(urlsplit(g.target).query))["_count"] for g in stub.requests] == counts
    assert ("there are more" in result.out) == (total < 260)


def test_links_lead_to_no_other_host(runner: StubbedCommand, stub: StubServer) -> None:
    """Only their queries are used, at the address of the token."""
    with stub_server() as other:
        stub.respond = Pages(150, other.url).answer
        assert runner.run("search", "--all").code == DONE
        assert (len(stub.requests), other.requests) == (2, [])


def test_pages_that_repeat_end_the_search(runner: StubbedCommand, stub: StubServer) -> None:
    """The result is incomplete, since further events may exist."""
    link = {"relation": "next", "url": "/AuditEvent?_cursor=1"}
    stub.respond = lambda _: StubResponse(200, {"resourceType": "Bundle", "link": [link]})
    assert "lead back" in runner.error_line(INCOMPLETE, "search", "--all")
    assert len(stub.requests) == 2


def test_empty_pages_with_a_link_are_followed(runner: StubbedCommand, stub: StubServer) -> None:
    """The server also bounds the work for a page."""
    links = [[{"relation": "next", "url": f"/AuditEvent?_cursor={n}"}] for n in (1, 2)]
    entry = {"fullUrl": f"x/AuditEvent/{event_id(1)}", "resource": event(1)}
    stub.next_responses = [StubResponse(200, {"link": link}) for link in links]
    stub.next_responses.append(StubResponse(200, {"entry": [entry]}))
    assert runner.run("search").out.endswith(f"{event_id(1)}\n1 event\n")


@pytest.mark.parametrize("columns", [60, 80, 120])
def test_the_table_shows_all_values_in_full(
    runner: StubbedCommand, stub: StubServer, monkeypatch: pytest.MonkeyPatch, columns: int
) -> None:
    """The lines fit the width of the terminal."""
    monkeypatch.setenv("COLUMNS", str(columns))
    stub.respond = Pages(1).answer
    lines = runner.run("search").out.splitlines()
    assert max(map(len, lines)) <= max(columns, 74)
    assert not [line for line in lines if line != line.rstrip()]
    titles = ("time", "who", "action", "what", "patient", "outcome")
    starts = [lines[0].index(title) for title in titles]
    cells = [
        "".join(line[start:end].strip() for line in lines[1:-2]).replace(" ", "")
        for start, end in zip(starts, [*starts[1:], None], strict=True)
    ]
    expected = "2026-11-2204:00:00 Nurse0 read Observation/o0 Patient/p0 success"
    assert cells == expected.split()
    assert lines[-2] == f"  {event_id(0)}"


def test_notes_of_the_ledger_are_shown_below_the_event(
    runner: StubbedCommand, stub: StubServer
) -> None:
    """Warnings about the whole result are printed once, on standard error."""
    pages = Pages(120)
    pages.issues = [
        {"severity": "warning", "code": "incomplete", "diagnostics": WARNING},
        {
            "severity": "information",
            "code": "conflict",
            "diagnostics": "conflict: another",
            "expression": ["Bundle.entry[1].resource"],
        },
        {
            "severity": "information",
            "code": "informational",
            "diagnostics": "release: FHIR R5 as submitted, not R4",
            "expression": ["Bundle.entry[1].resource"],
        },
    ]
    stub.respond = pages.answer
    result = runner.run("search", "--all")
    assert result.err == f"ledger: warning: {WARNING}\n"
    lines = result.out.splitlines()
    marked = [lines[i - 1].strip() for i, line in enumerate(lines) if line == "  conflict: another"]
    assert marked == [event_id(1), event_id(101)]
    assert "release:" not in result.out


def test_json_output_is_the_bundles(runner: StubbedCommand, stub: StubServer) -> None:
    """Each line is a page with its numbers unchanged."""
    pages = Pages(150)
    pages.issues = [{"severity": "warning", "diagnostics": WARNING}]
    stub.respond = pages.answer
    result = runner.run("search", "--all", "--json")
    bundles = [json.loads(line) for line in result.out.splitlines()]
    assert [len(b["entry"]) - 1 for b in bundles] == [100, 50]
    assert bundles == [json.loads(pages.answer(request).body) for request in stub.requests]
    stub.respond = lambda _: StubResponse(200, b'{"entry": [],\n "n": 1.50}')
    assert runner.run("search", "--json").out == '{"entry":[],"n":1.50}\n'


def test_control_characters_of_events_are_escaped(runner: StubbedCommand, stub: StubServer) -> None:
    """Markup is shown as it is."""
    pages = Pages(1)
    agent = {"who": {"display": "\x1b[2J[red]:smile:\nfake"}, "requestor": True}
    pages.event = lambda n: event(n, agent=[agent])
    pages.issues = [{"diagnostics": "\x1b[31mred", "expression": ["Bundle.entry[0].resource"]}]
    stub.respond = pages.answer
    out = runner.run("search").out
    assert "\x1b" not in out
    assert "[red]" in out
    stub.respond = lambda _: StubResponse(200, event(1, agent=[agent]))
    out = runner.run("show", event_id(1)).out
    assert "\x1b" not in out
    assert "\\x1b[2J[red]:smile:\\nfake" in out


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"recorded": "yesterday"},
        {"agent": [], "entity": []},
        {"agent": [{"who": {}}]},
        {"outcome": {"code": {"code": "success"}}, "code": {"text": "x"}},
        {"entity": [{"query": "no base64!"}, {"query": "/w=="}]},
    ],
)
def test_unreadable_events_are_shown(
    runner: StubbedCommand, stub: StubServer, changes: dict[str, Any]
) -> None:
    """Their readable values are shown."""
    pages = Pages(2)
    pages.event = lambda n: event(n, **changes)
    stub.respond = pages.answer
    result = runner.run("search")
    assert (result.code, result.out.splitlines()[-1]) == (DONE, "2 events")
    stub.respond = lambda _: StubResponse(200, event(1, **changes))
    assert runner.run("show", event_id(1)).code == DONE


@pytest.mark.parametrize("option", ["--agent", "--user"])
def test_user_and_agent_are_the_same_option(
    runner: StubbedCommand, stub: StubServer, option: str
) -> None:
    """FHIR's word is agent, people's is user; reports accept both too."""
    stub.respond = Pages(0).answer
    runner.run("search", option, "Practitioner/quill")
    assert dict(requested(stub))["agent"] == "Practitioner/quill"
    stub.respond = lambda _: StubResponse(200, {"title": "", "events": []})
    runner.run("report", "privacy", option, "Practitioner/quill")
    assert dict(requested(stub))["user"] == "Practitioner/quill"


@pytest.mark.parametrize(
    ("arguments", "refused", "message"),
    [
        (("search", "--from", "then"), "date: expected a date", "--from or --to: expected a date"),
        (
            ("search", "--patient", "urn:x|1"),
            "patient.identifier: expected a token",
            "--patient: expected a token",
        ),
        (
            ("report", "accesses", "--patient", "x"),
            "from and to: expected a shorter period",
            "--from and --to: expected a shorter period",
        ),
        (("search", "--param", "zebra=1"), "zebra: expected else", "zebra: expected else"),
    ],
)
def test_rejected_parameters_are_named_as_options(
    runner: StubbedCommand, stub: StubServer, arguments: tuple[str, ...], refused: str, message: str
) -> None:
    """Users know the options, not the parameters of the API, except those of --param."""
    issue = {"severity": "error", "code": "value", "diagnostics": refused}
    stub.respond = lambda _: StubResponse(
        400, {"resourceType": "OperationOutcome", "issue": [issue]}
    )
    assert runner.error_line(USAGE, *arguments).endswith(message)


@pytest.mark.parametrize(
    ("word", "codes"),
    [
        ("success", "0,success,information"),
        ("failure", "4,8,12,warning,error,fatal"),
        ("8", "8"),
        ("denied", "denied"),
    ],
)
def test_outcome_words_cover_both_releases(
    runner: StubbedCommand, stub: StubServer, word: str, codes: str
) -> None:
    """docs/search.md pairs codes of R4 and R5; other words are sent unchanged."""
    stub.respond = Pages(0).answer
    runner.run("search", "--outcome", word)
    assert dict(requested(stub))["outcome"] == codes


@pytest.mark.parametrize(
    "arguments",
    [
        ("search",),
        ("search", "--patient", "urn:x|1"),
        ("export", "out"),
    ],
)
@pytest.mark.parametrize(
    ("first", "last"),
    [("2026-12", "2026-11"), ("2026-11-02", "2026-11-01"), ("2027", "2026-12-31T23:59:59Z")],
)
def test_a_period_that_ends_before_it_starts_is_wrong_usage(
    runner: StubbedCommand, stub: StubServer, arguments: tuple[str, ...], first: str, last: str
) -> None:
    """Nothing is requested, since an empty page would look like a result."""
    result = runner.run(*arguments, "--from", first, "--to", last)
    assert result.code == USAGE
    assert "--from" in result.err
    assert stub.requests == []


def test_a_period_within_one_day_is_valid(runner: StubbedCommand, stub: StubServer) -> None:
    """The last day is included."""
    stub.respond = Pages(0).answer
    for first, last in (("2026-11-22", "2026-11-22"), ("2026-11-22", "2026-11"), ("2026", "2026")):
        assert runner.run("search", "--from", first, "--to", last).code == DONE
