"""Trees of more than one level of full tiles, and ranges that different workers check."""

from functools import cache

import pytest

from audit_ledger.ledger.entry import EventEntry
from audit_ledger.verify.entries import BUNDLES_IN_RANGE, check_tree
from audit_ledger.verify.findings import Verdict
from audit_ledger.verify.ledger_verifier import verify_ledger
from audit_ledger.verify.verification_report import VerificationReport
from audit_ledger.verify.workers import InProcess
from tests.verify.writer import ORIGIN, Keys, Objects, Writer, ledger_of

EDGE = BUNDLES_IN_RANGE * 256  # the first entry of the second range


@cache
def large() -> Writer:
    """65,836 entries: tile/1/000 full, tile/1/001.p/1, tile/2/000.p/1."""
    return ledger_of(1000, 65_836)


def verified(files: dict[str, bytes], now: int) -> VerificationReport:
    return verify_ledger(Objects(files), Keys().policy(), now, workers=1, wait=lambda _: None)


@pytest.mark.parametrize(
    ("path", "offset", "entries"),
    [
        ("tile/1/000", 32 * 5, (1280, 1535)),
        ("tile/1/001.p/1", 0, (65_536, 65_791)),
        ("tile/2/000.p/1", 31, (0, 65_535)),
    ],
)
def test_a_changed_byte_of_a_higher_tile_is_named(
    path: str, offset: int, entries: tuple[int, int]
) -> None:
    """With the entries of its hash; tiles above and below have no finding."""
    files = dict(large().objects.files)
    data = bytearray(files[path])
    data[offset] ^= 1
    files[path] = bytes(data)
    report = verified(files, large().now)
    assert [(str(f.code), f.where, f.entries) for f in report.findings] == [
        ("tile-altered", path, entries)
    ]


@pytest.mark.parametrize("path", ["tile/1/000", "tile/1/001.p/1", "tile/2/000.p/1"])
def test_a_missing_higher_tile_is_incomplete(path: str) -> None:
    """Its hashes follow from the tiles below, so nothing else is missing."""
    files = dict(large().objects.files)
    del files[path]
    report = verified(files, large().now)
    assert report.answer is Verdict.INCOMPLETE
    assert [(str(f.code), f.where) for f in report.findings] == [("missing", path)]


def test_the_tile_above_replaces_missing_entries_and_tiles() -> None:
    """The root still follows, so the rest is verified."""
    files = dict(large().objects.files)
    for folder in ("0", "entries"):
        for index in range(10, 20):
            del files[f"tile/{folder}/{index:03}"]
    report = verified(files, large().now)
    assert report.answer is Verdict.INCOMPLETE
    assert {str(finding.code) for finding in report.findings} == {"missing"}
    spans = [finding.entries for finding in report.findings if finding.entries]
    assert (min(spans)[0], max(spans)[1]) == (2560, 5119)


def test_a_copy_without_tiles_has_few_findings() -> None:
    """A checkpoint and a digest, and none of their entries."""
    files = {path: large().objects.files[path] for path in ("checkpoint", "digests/latest")}
    report = verified(files, large().now)
    assert report.answer is Verdict.INCOMPLETE
    missing = {(f.where.rsplit("/", 1)[0], f.entries) for f in report.findings}
    assert {("tile/entries", (0, 65_535)), ("tile/0", (0, 65_535))} <= missing
    assert len(report.findings) < 12, "a row of missing objects is one finding"


@pytest.mark.parametrize("seq", [EDGE - 1, EDGE, EDGE + 1])
def test_links_between_ranges_are_verified(seq: int) -> None:
    """In a signed tree with an entry that is not linked."""
    writer = Writer()
    writer.add_events(seq - 1)
    writer.append(EventEntry(seq, writer.now, bytes(32), bytes(32)).to_bytes())
    writer.add_events(300)
    writer.publish()
    report = verified(writer.objects.files, writer.now)
    assert [(str(f.code), f.entries) for f in report.findings] == [("link-broken", (seq, seq))]


@pytest.mark.parametrize("seq", [EDGE - 1, EDGE, EDGE + 1])
def test_times_between_ranges_are_verified(seq: int) -> None:
    """In a signed tree whose clock was set back once."""
    writer = Writer()
    writer.add_events(seq - 1)
    writer.now -= 1
    writer.add_events(300)
    writer.publish()
    report = verified(writer.objects.files, writer.now)
    assert [(str(f.code), f.entries) for f in report.findings] == [("time-backwards", (seq, seq))]


@pytest.mark.parametrize(
    ("entry", "code"),
    [
        (EventEntry(11, 1_795_327_080, bytes(32), bytes(32)), "seq-mismatch"),
        (b"plain words", "entry-malformed"),
        (b'{"seq":10, "time":"2026-11-22T05:58:00Z"}', "entry-malformed"),
    ],
)
def test_a_malformed_entry_is_named_even_if_it_is_signed(
    entry: EventEntry | bytes, code: str
) -> None:
    """The publisher refuses it; an attacker with its keys does not."""
    writer = Writer()
    writer.add_events(9)
    writer.append(entry if isinstance(entry, bytes) else entry.to_bytes())
    writer.publish()
    report = verified(writer.objects.files, writer.now)
    assert report.answer is Verdict.FAILED
    assert (code, (10, 10)) in [(str(f.code), f.entries) for f in report.findings]


def test_a_ledger_is_created_once_and_under_its_own_name() -> None:
    """Entry 0 of another ledger, or none that creates it, or a second creation."""
    other = Writer("audit.example.org/other")
    writer = Writer()
    writer.entries, writer.leaves = list(other.entries), list(other.leaves)
    writer.publish()
    report = verified(writer.objects.files, writer.now)
    assert [(str(f.code), f.entries) for f in report.findings] == [("not-created", (0, 0))]
    writer = Writer()
    writer.append(writer.entries[0].replace(b'"seq":0', b'"seq":1'))
    writer.controls.append(1)
    writer.publish()
    report = verified(writer.objects.files, writer.now)
    assert {str(f.code) for f in report.findings} == {"link-broken", "not-created"}


def test_unreadable_entries_are_given_up_after_some_ranges() -> None:
    """A log can claim any size."""
    result = check_tree(InProcess(), Objects({}), 1 << 60, origin=ORIGIN)
    assert result.findings.answer is Verdict.INCOMPLETE
    assert result.roots == {1 << 60: None}
    assert result.findings.listed[-1].entries == (result.looked_at, (1 << 60) - 1)
