"""The published AuditEvents."""

from pathlib import Path

from tests.builders.audit_event import audit_event_samples


def samples(shared_dir: Path) -> list[bytes]:
    """Return every AuditEvent of HL7 and IHE among the samples."""
    return [path.read_bytes() for path in audit_event_samples(shared_dir)]
