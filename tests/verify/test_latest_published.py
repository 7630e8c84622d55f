"""Checkpoint and newest digest: which of them stays behind, and when that is no finding."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from hashlib import sha256

import pytest

from audit_ledger.ledger.signed_digest import parse_signed_digest
from audit_ledger.tlog.checkpoint import Checkpoint
from audit_ledger.tlog.note import Note, parse_note
from audit_ledger.verify.findings import Verdict
from audit_ledger.verify.ledger_verifier import verify_ledger
from audit_ledger.verify.verification_report import VerificationReport
from tests.verify.writer import BEGIN, MINUTE, Keys, Objects, Writer, ledger_of

LATEST, CHECKPOINT = "digests/latest", "checkpoint"
HOUR = 60 * MINUTE
Found = tuple[str, str, tuple[int, int] | None]


def heartbeat_of(writer: Writer) -> None:
    """An hour without growth, and a digest and a checkpoint of the same size as before."""
    writer.now += HOUR - MINUTE
    writer.publish()


def digest_at(writer: Writer, size: int) -> bytes:
    (data,) = [data for path, data in writer.objects.files.items() if path.endswith(f"Z-{size}")]
    return data


def checkpoint_in(digest: bytes) -> bytes:
    return parse_signed_digest(digest).digest.checkpoint


def verified(source: Objects, now: int) -> VerificationReport:
    return verify_ledger(source, Keys().policy(), now, workers=1, wait=lambda _: None)


def found(report: VerificationReport) -> tuple[Verdict, list[Found]]:
    return report.answer, [(str(f.code), f.where, f.entries) for f in report.findings]


def test_an_older_checkpoint_with_a_newer_digest_fails_after_minutes() -> None:
    """Within minutes of the digest it can be a publication in progress."""
    writer = ledger_of(300, 600)
    writer.objects.files[CHECKPOINT] = checkpoint_in(digest_at(writer, 300))
    news = found(verified(writer.objects, writer.now))
    assert news == (Verdict.INCOMPLETE, [("in-progress", CHECKPOINT, (300, 599))])
    later = found(verified(writer.objects, writer.now + 10 * MINUTE))
    assert later == (Verdict.FAILED, [("checkpoint-behind", CHECKPOINT, (300, 599))])


def test_an_older_digest_with_a_newer_checkpoint_fails_after_minutes() -> None:
    """The other way round."""
    writer = ledger_of(300, 600)
    writer.objects.files[LATEST] = digest_at(writer, 300)
    assert verified(writer.objects, writer.now).answer is Verdict.INCOMPLETE
    later = found(verified(writer.objects, writer.now + 10 * MINUTE))
    assert later == (Verdict.FAILED, [("digest-behind", LATEST, (300, 599))])


def test_an_older_digest_of_the_same_size_fails_after_minutes() -> None:
    """Only the signed times show that the newest digest was removed."""
    writer = ledger_of(300)
    before, path = writer.last_note, writer.last and writer.last.name
    heartbeat_of(writer)
    assert writer.last is not None
    assert writer.last.name != path
    del writer.objects.files[writer.last.name]
    writer.objects.files[LATEST] = before
    news = found(verified(writer.objects, writer.now))
    assert news == (Verdict.INCOMPLETE, [("in-progress", LATEST, None)])
    later = found(verified(writer.objects, writer.now + 10 * MINUTE))
    assert later == (Verdict.FAILED, [("digest-behind", LATEST, None)])


@dataclass
class Publishing(Objects):
    """A ledger whose newest checkpoint is published between two readings of it."""

    before: list[bytes] = field(default_factory=list)

    def read(self, path: str) -> bytes | None:
        return self.before.pop() if path == CHECKPOINT and self.before else super().read(path)


def test_a_heartbeat_in_progress_is_no_finding() -> None:
    """A new digest with the checkpoint of the hour before: both are read again."""
    writer = ledger_of(300)
    before = writer.objects.files[CHECKPOINT]
    heartbeat_of(writer)
    source = Publishing(writer.objects.files, before=[before])
    assert found(verified(source, writer.now)) == (Verdict.VERIFIED, [])
    assert not source.before


def put_back(writer: Writer, size: int) -> None:
    """Checkpoint and latest as they were at a size; digests and tiles since then stay."""
    writer.objects.files[LATEST] = digest_at(writer, size)
    writer.objects.files[CHECKPOINT] = checkpoint_in(writer.objects.files[LATEST])


def test_a_rollback_with_later_digests_left_fails() -> None:
    """At first contact: later digests are locked and cannot be removed."""
    for sizes in ((300, 600), (300, 400, 500, 600), (1, 300, 600)):
        writer = ledger_of(*sizes)
        put_back(writer, sizes[0])
        news = found(verified(writer.objects, writer.now))
        between = (sizes[0], 599)
        assert news == (Verdict.INCOMPLETE, [("in-progress", CHECKPOINT, between)])
        later = found(verified(writer.objects, writer.now + 5 * MINUTE))
        assert later == (Verdict.FAILED, [("checkpoint-behind", CHECKPOINT, between)])


def test_a_rollback_with_a_later_heartbeat_left_fails() -> None:
    """No entry is missing, but the signed times differ."""
    writer = ledger_of(300)
    before = dict(writer.objects.files)
    heartbeat_of(writer)
    writer.objects.files |= {path: before[path] for path in (CHECKPOINT, LATEST)}
    later = found(verified(writer.objects, writer.now + 10 * MINUTE))
    assert later == (Verdict.FAILED, [("checkpoint-behind", CHECKPOINT, None)])


def test_a_rollback_with_latest_deleted_fails() -> None:
    """The newest digest is found by listing, and has a larger checkpoint."""
    writer = ledger_of(300, 600)
    put_back(writer, 300)
    without = {path: data for path, data in writer.objects.files.items() if path != LATEST}
    for files in (without, without | {LATEST: b"x"}):
        answer, findings = found(verified(Objects(files), writer.now + 10 * MINUTE))
        assert answer is Verdict.FAILED
        assert ("checkpoint-behind", CHECKPOINT, (300, 599)) in findings


def test_a_rollback_with_some_later_digests_deleted_fails() -> None:
    """The missing digests are findings too."""
    writer = ledger_of(300, 400, 600)
    put_back(writer, 300)
    (gone,) = [path for path in writer.objects.files if path.endswith("Z-400")]
    del writer.objects.files[gone]
    later = found(verified(writer.objects, writer.now + 10 * MINUTE))
    assert later == (
        Verdict.FAILED,
        [("missing", gone, None), ("checkpoint-behind", CHECKPOINT, (300, 599))],
    )


@dataclass
class Growing(Objects):
    """A ledger that is published on while it is verified: heads are old the first time only."""

    heads: dict[str, bytes] = field(default_factory=dict)

    def read(self, path: str) -> bytes | None:
        return self.heads.pop(path, None) or super().read(path)


def test_digests_of_a_ledger_that_grew_meanwhile_are_no_finding() -> None:
    """Checkpoint and latest are read again; both must be signed."""
    writer = ledger_of(300)
    heads = {path: writer.objects.files[path] for path in (CHECKPOINT, LATEST)}
    began = writer.now
    for size in (400, 600):
        writer.add_events(size - len(writer.entries))
        writer.publish()
    grown = verified(Growing(writer.objects.files, heads=dict(heads)), began)
    assert found(grown) == (Verdict.VERIFIED, [])
    assert grown.checkpoint is not None
    assert grown.checkpoint.size == 300
    assert any("objects of a later checkpoint" in note for note in grown.not_covered)
    for path in (CHECKPOINT, LATEST):
        forged = dict(writer.objects.files)
        text = parse_note(forged[path]).text
        forged[path] = Note(text, (Keys(b"stranger").sign(text),)).to_bytes()
        report = verified(Growing(forged, heads=dict(heads)), began)
        assert report.answer is not Verdict.VERIFIED


Change = Callable[[Writer], tuple[str, bytes]]
AN_HOUR_LATER = "digests/2026/11/22/20261122T065900Z-300"


def digest_with(**changes: object) -> Change:
    """A digest behind the newest one, signed by the ledger's keys, with one thing wrong."""

    def made(writer: Writer) -> tuple[str, bytes]:
        before = dict(writer.objects.files)
        writer.now += 9 * MINUTE
        writer.publish(lambda digest: replace(digest, **changes))  # type: ignore[arg-type]
        assert writer.last is not None
        name, note = writer.last.name, writer.last_note
        writer.objects.files = before
        return name, note

    return made


LISTED: dict[str, tuple[Change, set[str]]] = {
    "the newest, copied to a later name": (
        lambda writer: (AN_HOUR_LATER, writer.last_note),
        {"digest-chain-broken"},
    ),
    "an older one, copied to a later name": (
        lambda writer: (AN_HOUR_LATER, digest_at(writer, 5)),
        {"digest-chain-broken"},
    ),
    "the newest, copied to the name of another size": (
        lambda writer: (
            (writer.last or pytest.fail("none")).name.replace("-300", "-301"),
            writer.last_note,
        ),
        {"digest-chain-broken"},
    ),
    "an older one, copied to an earlier name": (
        lambda writer: ("digests/2026/11/22/20261122T055901Z-5", digest_at(writer, 5)),
        {"unknown-object"},
    ),
    "a later one that names another before it": (
        digest_with(previous_sha256=sha256(b"other").digest()),
        {"digest-chain-broken", "checkpoint-behind"},
    ),
    "a later one that begins elsewhere": (
        digest_with(period_from=BEGIN + 1),
        {"digest-chain-broken", "checkpoint-behind"},
    ),
    "a later one of another ledger": (
        digest_with(origin="audit.example.org/other"),
        {"digest-disagrees"},
    ),
    "a later one of another root": (
        lambda writer: digest_with(
            checkpoint=writer.checkpoint(Checkpoint(writer.origin, writer.edge.size, bytes(32)))
        )(writer),
        {"digest-disagrees", "forked", "checkpoint-behind"},
    ),
    "a later one with an older checkpoint inside": (
        lambda writer: digest_with(checkpoint=writer.objects.files[CHECKPOINT])(writer),
        {"digest-disagrees", "checkpoint-behind"},
    ),
    "one that nobody signed": (
        lambda _: (AN_HOUR_LATER, b"a digest\n"),
        {"unknown-object"},
    ),
    "one of another name's bytes, on a day that no calendar has": (
        lambda writer: ("digests/2026/99/99/20269999T999999Z-300", writer.last_note),
        {"digest-chain-broken"},
    ),
}


@pytest.mark.parametrize("what", LISTED)
def test_every_listed_digest_is_checked(what: str) -> None:
    """Its name, ledger, period and predecessor, even if it is signed."""
    writer = ledger_of(5, 300)
    change, expected = LISTED[what]
    path, data = change(writer)
    assert path not in writer.objects.files
    writer.objects.files[path] = data
    report = verified(writer.objects, writer.now + 10 * MINUTE)
    assert {str(finding.code) for finding in report.findings} == expected
    assert report.answer is Verdict.FAILED


def test_an_older_checkpoint_and_digest_are_stale_without_a_listing() -> None:
    """At first contact a verifier can only detect that nothing was signed since."""
    writer = ledger_of(300, 600)
    put_back(writer, 300)
    writer.objects.can_list = False
    report = verified(writer.objects, writer.now + 76 * MINUTE)
    assert found(report) == (Verdict.INCOMPLETE, [("stale", CHECKPOINT, None)])
    assert any("later digests" in note for note in report.not_covered)
