"""Signatures of digests, and of the checkpoints inside them, checked in batches by workers."""

from collections import deque
from concurrent.futures import Executor, Future

from audit_ledger.errors import FormatError, VerificationError
from audit_ledger.ledger.digest import parse_digest
from audit_ledger.tlog.note import ED25519, open_note
from audit_ledger.tlog.policy import Policy
from audit_ledger.verify.findings import Finding, FindingCode, Findings

Checked = tuple[list[Finding], int]
"""Findings, and the newest time that the ledger's own keys cosigned for."""

_DIGESTS_IN_BATCH = 64
_BATCHES_AHEAD = 16  # some 4 MB


class DigestSignatures:
    """Collects digests and has workers check their signatures in the background."""

    def __init__(self, pool: Executor, policy: Policy, origin: str) -> None:
        self.findings = Findings()
        self.newest_time = 0
        self._pool = pool
        self._policy = policy
        self._origin = origin
        self._batch: list[tuple[str, bytes]] = []
        self._ahead: deque[Future[Checked]] = deque()

    def take(self, path: str, data: bytes) -> None:
        """Add a well-formed digest to the next batch."""
        self._batch.append((path, data))
        if len(self._batch) == _DIGESTS_IN_BATCH:
            self._submit()
        if len(self._ahead) > _BATCHES_AHEAD:
            self._collect()

    def finish(self) -> None:
        """Wait until all are checked."""
        if self._batch:
            self._submit()
        while self._ahead:
            self._collect()

    def _submit(self) -> None:
        self._ahead.append(
            self._pool.submit(check_signatures, self._policy, self._origin, self._batch)
        )
        self._batch = []

    def _collect(self) -> None:
        findings, newest = self._ahead.popleft().result()
        self.findings.add_all(findings)
        self.newest_time = max(self.newest_time, newest)


def check_signatures(policy: Policy, origin: str, digests: list[tuple[str, bytes]]) -> Checked:
    """Check the signatures of well-formed digests (path and bytes) and their checkpoints.

    Returns findings, and the newest time that the ledger's own keys cosigned for. A digest contains
    its checkpoint as the ledger itself signed it, so it must have a signature of a log, and a
    cosignature of the ledger's own key where the policy has one; other witnesses sign the published
    checkpoint.
    """
    findings: list[Finding] = []
    newest = 0
    keys = [k for k in (log.key for log in policy.logs) if k.algorithm == ED25519]
    own = policy.witnesses_named(origin)
    for path, data in digests:
        try:
            note, _ = open_note(data, [key for key in keys if key.name == origin])
            checkpoint = parse_digest(note.text).checkpoint
            result = policy.evaluate(checkpoint)
        except (FormatError, VerificationError) as error:
            findings.append(Finding(FindingCode.DIGEST_REJECTED, path, None, f"{path}: {error}"))
            continue
        newest = max(newest, result.own_cosigned_at or 0)
        if own and own.isdisjoint(result.cosignatures):
            message = f"{path}: its checkpoint has no cosignature by the ledger's own key"
            findings.append(Finding(FindingCode.NOT_WITNESSED, path, None, message))
    return findings, newest
