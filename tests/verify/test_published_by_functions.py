"""What the real sequencer and publisher publish is verified, from the bucket to the last digest."""

from typing import Any

import pytest

from audit_ledger.aws import published_source
from audit_ledger.aws.published_source import S3Source
from audit_ledger.cli.main import run as ledger
from audit_ledger.tlog.policy import parse_policy
from audit_ledger.verify.findings import Verdict
from audit_ledger.verify.ledger_verifier import verify_ledger
from audit_ledger.verify.verification_report import VerificationReport
from functions.publisher import handler as publishing
from functions.sequencer import handler as sequencing
from tests.functions.pipeline import Context, message, sealed_record
from tests.world import LEDGER, NAME, STAGE, World

BEGIN = 1_795_400_000


CONTEXT: Any = Context()


class Clock:
    """The functions' clock; whole seconds."""

    now = BEGIN

    def time(self) -> float:
        return float(self.now)


@pytest.fixture
def clock(world: World, monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    for module in (publishing, sequencing):
        monkeypatch.setattr(module, "time", clock)
    publishing.publisher.cache_clear()
    sequencing.sequencer.cache_clear()
    published_source._client.cache_clear()
    return clock


def publish(*counts: int) -> None:
    """One batch of events each, then a run of the publisher."""
    for count in counts:
        records = [sealed_record() for _ in range(count)]
        sequencing.handler({"Records": [message(*records)]}, CONTEXT)
    publishing.handler({}, CONTEXT)


def verified(capsys: pytest.CaptureFixture[str], now: int) -> VerificationReport:
    """Verify the bucket under the policy that `ledger policy` writes from KMS."""
    capsys.readouterr()
    assert ledger(["policy", "--stage", STAGE, "--ledger", LEDGER]) == 0
    policy = parse_policy(capsys.readouterr().out.encode())
    return verify_ledger(S3Source(f"{NAME}-published", LEDGER), policy, now, workers=1)


def test_each_publication_of_the_functions_is_verified(
    world: World, clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    """Small and large batches across tile boundaries, and heartbeats."""
    for batches in ((1,), (3, 250), (2,), (300,), ()):
        clock.now += 3600
        publish(*batches)
        report = verified(capsys, clock.now)
        assert (report.answer, report.findings) == (Verdict.VERIFIED, ())
    assert report.checkpoint is not None
    assert report.checkpoint.size == 557
    assert report.digests == 5


def test_a_byte_changed_in_the_bucket_is_named(
    world: World, clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    """By its path."""
    publish(300)
    key = f"{LEDGER}/tile/entries/000"
    data = world.s3.get_object(Bucket=f"{NAME}-published", Key=key)["Body"].read()
    changed = data[:5000] + bytes([data[5000] ^ 1]) + data[5001:]
    world.s3.put_object(Bucket=f"{NAME}-published", Key=key, Body=changed)
    report = verified(capsys, clock.now)
    assert report.answer is Verdict.FAILED
    assert [finding.where for finding in report.findings] == ["tile/entries/000"]
