"""Checkpoint and newest digest: which of them stays behind, and when that is no finding."""

from dataclasses import dataclass, field

from audit_ledger.chain.digest import decode_digest
from audit_ledger.tlog.note import parse_note
from audit_ledger.verify.findings import Answer
from audit_ledger.verify.verification import Report, verify
from tests.verify.writer import MINUTE, Keys, Objects, Writer, ledger_of

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
    return decode_digest(parse_note(digest).text).checkpoint


def verified(source: Objects, now: int) -> Report:
    return verify(source, Keys().policy(), now, workers=1, wait=lambda _: None)


def found(report: Report) -> tuple[Answer, list[Found]]:
    return report.answer, [(str(f.code), f.where, f.entries) for f in report.findings]


def test_an_older_checkpoint_beside_a_newer_digest_fails_once_it_is_not_news() -> None:
    """Within minutes of the digest it may be a publication under way, later it is none."""
    writer = ledger_of(300, 600)
    writer.objects.files[CHECKPOINT] = checkpoint_in(digest_at(writer, 300))
    news = found(verified(writer.objects, writer.now))
    assert news == (Answer.INCOMPLETE, [("in-progress", CHECKPOINT, (300, 599))])
    later = found(verified(writer.objects, writer.now + 10 * MINUTE))
    assert later == (Answer.FAILED, [("checkpoint-behind", CHECKPOINT, (300, 599))])


def test_an_older_digest_beside_a_newer_checkpoint_fails_once_it_is_not_news() -> None:
    """The same the other way round."""
    writer = ledger_of(300, 600)
    writer.objects.files[LATEST] = digest_at(writer, 300)
    assert verified(writer.objects, writer.now).answer is Answer.INCOMPLETE
    later = found(verified(writer.objects, writer.now + 10 * MINUTE))
    assert later == (Answer.FAILED, [("digest-behind", LATEST, (300, 599))])


def test_an_older_digest_of_the_same_size_fails_once_it_is_not_news() -> None:
    """Without growth only the signed times tell that the newest digest was put away."""
    writer = ledger_of(300)
    before, path = writer.last_note, writer.last and writer.last.name
    heartbeat_of(writer)
    assert writer.last is not None
    assert writer.last.name != path
    del writer.objects.files[writer.last.name]
    writer.objects.files[LATEST] = before
    news = found(verified(writer.objects, writer.now))
    assert news == (Answer.INCOMPLETE, [("in-progress", LATEST, None)])
    later = found(verified(writer.objects, writer.now + 10 * MINUTE))
    assert later == (Answer.FAILED, [("digest-behind", LATEST, None)])


@dataclass
class Publishing(Objects):
    """A ledger whose newest checkpoint is published between two readings of it."""

    before: list[bytes] = field(default_factory=list)

    def read(self, path: str) -> bytes | None:
        return self.before.pop() if path == CHECKPOINT and self.before else super().read(path)


def test_a_heartbeat_that_is_just_published_is_no_finding() -> None:
    """Digest new, checkpoint of the hour before: read again, and both belong together."""
    writer = ledger_of(300)
    before = writer.objects.files[CHECKPOINT]
    heartbeat_of(writer)
    source = Publishing(writer.objects.files, before=[before])
    assert found(verified(source, writer.now)) == (Answer.VERIFIED, [])
    assert not source.before


def test_an_older_pair_of_checkpoint_and_digest_is_stale() -> None:
    """Whoever never saw the ledger can only see that nothing is signed since."""
    writer = ledger_of(300, 600)
    writer.objects.files[LATEST] = digest_at(writer, 300)
    writer.objects.files[CHECKPOINT] = checkpoint_in(writer.objects.files[LATEST])
    report = verified(writer.objects, writer.now + 76 * MINUTE)
    assert found(report) == (Answer.INCOMPLETE, [("stale", CHECKPOINT, None)])
