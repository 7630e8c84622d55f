"""The report of a verification: verdict, verified state, findings, and what is not covered."""

from dataclasses import dataclass

from audit_ledger.tlog.checkpoint import Checkpoint
from audit_ledger.verify.digest_chain import DigestClaim
from audit_ledger.verify.findings import Finding, Findings, Verdict


@dataclass(frozen=True, kw_only=True)
class VerificationReport:
    """The result of a verification.

    `checkpoint`: None if it is missing or cannot be trusted; nothing else is known then.
    `signed_time`: the newest signed time (whole seconds since 1970), None if nothing states one.
    `digests`: how many were verified, and `newest_digest` what the newest of them states.
    `remembered`: the checkpoint verified before, None at first contact. `left_out`: how many
    findings there are beyond those listed. `not_covered`: what this verification does not show.
    """

    answer: Verdict
    findings: tuple[Finding, ...]
    left_out: int
    checkpoint: Checkpoint | None = None
    signed_time: int | None = None
    digests: int = 0
    newest_digest: DigestClaim | None = None
    remembered: Checkpoint | None = None
    not_covered: tuple[str, ...] = ()


def untrusted_report(findings: Findings) -> VerificationReport:
    """Return the report about a log whose checkpoint is missing or cannot be trusted."""
    return VerificationReport(
        answer=findings.answer, findings=tuple(findings.listed), left_out=findings.left_out
    )
