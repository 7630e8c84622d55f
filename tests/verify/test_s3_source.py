"""A ledger in S3 is a source like any other; moto stands in for S3."""

import gzip
import pickle
from dataclasses import replace
from threading import Event

import pytest

from audit_ledger.aws import published_source
from audit_ledger.aws.published_source import S3Source, s3_source
from audit_ledger.errors import FormatError, UnreachableError
from audit_ledger.verify.findings import Verdict
from audit_ledger.verify.ledger_verifier import verify_ledger
from tests.verify.writer import Keys, ledger_of
from tests.world import NAME, World

BUCKET = f"{NAME}-published"


@pytest.fixture(autouse=True)
def _own_client() -> None:
    """A client of this test's moto and not of the test before."""
    published_source._client.cache_clear()


def test_a_ledger_verifies_from_a_bucket(world: World) -> None:
    """With all of its objects, and none of another ledger."""
    writer = ledger_of(300, 600)
    for path, data in writer.objects.files.items():
        world.s3.put_object(Bucket=BUCKET, Key=f"st-elsewhere/{path}", Body=data)
    world.s3.put_object(Bucket=BUCKET, Key="st-elsewhere-too/checkpoint", Body=b"")
    source = s3_source(f"s3://{BUCKET}/st-elsewhere/")
    report = verify_ledger(source, Keys().policy(), writer.now, workers=1)
    assert (report.answer, report.findings) == (Verdict.VERIFIED, ())
    assert sorted(source.list_all()) == sorted(writer.objects.files)
    world.s3.put_object(Bucket=BUCKET, Key="st-elsewhere/tile/0/planted", Body=b"")
    assert verify_ledger(source, Keys().policy(), writer.now, workers=1).answer is Verdict.FAILED


def test_a_slow_object_has_a_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server of a copy may send a byte each time that the limit of silence is near."""
    is_over = Event()

    class Dripping:
        def get_object(self, **_: object) -> dict[str, object]:
            return {"Body": self}

        def read(self, _limit: int) -> bytes:
            is_over.wait()
            return b"x"

    monkeypatch.setattr(published_source, "_client", Dripping)
    source = s3_source("s3://copy/st-elsewhere")
    assert source.deadline_seconds == 120
    try:
        with pytest.raises(UnreachableError, match="tile/0/000: not all of it within"):
            replace(source, deadline_seconds=0.1).read("tile/0/000")
    finally:
        is_over.set()


def test_absence_and_refusal_are_different_errors(world: World) -> None:
    """A missing bucket is no absence of its objects."""
    assert S3Source(BUCKET, "st-elsewhere").read("checkpoint") is None
    with pytest.raises(UnreachableError, match="NoSuchBucket"):
        S3Source("no-such-bucket-anywhere").read("checkpoint")
    with pytest.raises(UnreachableError):
        list(S3Source("no-such-bucket-anywhere").list_all())


def test_content_codings_are_decoded_or_unreachable(world: World) -> None:
    """As over HTTP: an unknown coding is no alteration."""
    source = S3Source(BUCKET, "st-elsewhere")
    for coding, expected in (("gzip", b"x"), ("GZIP", b"x"), ("identity", None), ("br", None)):
        body = gzip.compress(b"x")
        key = "st-elsewhere/tile/0/000"
        world.s3.put_object(Bucket=BUCKET, Key=key, Body=body, ContentEncoding=coding)
        if coding == "br":
            with pytest.raises(UnreachableError, match="content coding 'br'"):
                source.read("tile/0/000")
        else:
            assert source.read("tile/0/000") == (expected or body)


@pytest.mark.parametrize(
    ("url", "bucket", "prefix"),
    [
        ("s3://b/p/q", "b", "p/q"),
        ("s3://b/p/", "b", "p"),
        ("s3://b", "b", ""),
        ("s3://b/", "b", ""),
    ],
)
def test_urls_name_bucket_and_prefix(url: str, bucket: str, prefix: str) -> None:
    """With or without a slash at the end."""
    assert s3_source(url) == S3Source(bucket, prefix, 120)


@pytest.mark.parametrize("url", ["s3://", "s3:///p", "b/p", "s3://key:secret@b/p"])
def test_a_url_without_a_bucket_is_refused(url: str) -> None:
    """Before anything is requested."""
    with pytest.raises(FormatError):
        s3_source(url)


def test_an_s3_source_can_be_pickled() -> None:
    """Each process creates its own client."""
    source = S3Source("b", "p")
    assert pickle.loads(pickle.dumps(source)) == source
