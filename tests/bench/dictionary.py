"""`python -m tests.bench.dictionary`: train a dictionary for records, and say what it saves.

Trained on days of the invented hospital; measured on a day of another seed and on IHE's examples,
which had no part in the training. It writes `build/fhir.zdict`: which one records are sealed with
is a decision, and an old one is needed for as long as its records are stored.
"""

import json
from collections.abc import Sequence

import zstandard
from rich.console import Console
from rich.table import Table

from audit_ledger.records.compression import DICTIONARY_ID, LEVEL, compress_record
from audit_ledger.records.record import new_record
from infra.demo.hospital import Submission, hospital_day
from tests.bench.core import NOW
from tests.conftest import REPOSITORY

BYTES = 4096
SEEDS, EVENTS = (1, 2, 3), 1500
OTHER_SEED = 99


def records_of_a_day(seed: int, events: int) -> list[bytes]:
    """Records of a day, an event each."""
    return [as_record(body) for s in hospital_day(seed=seed, events=events) for body in split(s)]


def split(submission: Submission) -> list[bytes]:
    """The events of a request, spelled compactly."""
    document = json.loads(submission.body)
    if isinstance(document, list):
        events = document
    elif document.get("resourceType") == "Bundle":
        events = [entry["resource"] for entry in document["entry"]]
    else:
        events = [document]
    return [json.dumps(event, separators=(",", ":")).encode() for event in events]


def as_record(body: bytes) -> bytes:
    """Wrap an event as ingest does."""
    document = json.loads(body)
    release = "fhir-r5" if "code" in document else "fhir-r4"
    format_ = "cloudevents" if "specversion" in document else release
    return new_record("ehr", NOW * 1000, format_, body).to_bytes()


def train() -> bytes:
    """Return a dictionary; the same zstd gives the same bytes."""
    samples: list[bytes | bytearray | memoryview[int]]
    samples = [record for seed in SEEDS for record in records_of_a_day(seed, EVENTS)]
    trained = zstandard.train_dictionary(BYTES, samples, dict_id=DICTIONARY_ID, level=LEVEL)
    return trained.as_bytes()


def mean(sizes: Sequence[int]) -> str:
    """Mean of sizes, for people."""
    return f"{sum(sizes) / len(sizes):,.0f}"


def main() -> None:
    """Train, measure, write."""
    data = train()
    trained = zstandard.ZstdCompressor(level=LEVEL, dict_data=zstandard.ZstdCompressionDict(data))
    plain = zstandard.ZstdCompressor(level=LEVEL)
    samples = sorted((REPOSITORY.parent / "shared" / "samples").glob("*/*udit*vent*.json"))
    table = Table("records", "number", "bytes", "zstd", "as sealed now", "with the new dictionary")
    for name, records in (
        ("hospital day, another seed", records_of_a_day(OTHER_SEED, 500)),
        ("examples of HL7 and IHE", [as_record(path.read_bytes()) for path in samples]),
    ):
        if records:
            table.add_row(
                name,
                str(len(records)),
                mean([len(r) for r in records]),
                mean([len(plain.compress(r)) for r in records]),
                mean([len(compress_record(r)) for r in records]),
                mean([len(trained.compress(r)) for r in records]),
            )
    out = REPOSITORY / "build" / "fhir.zdict"
    out.parent.mkdir(exist_ok=True)
    out.write_bytes(data)
    Console().print(table, f"\n{out} ({len(data)} bytes)")


if __name__ == "__main__":
    main()
