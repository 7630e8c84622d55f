"""Verifying a published ledger, from its checkpoint to its last byte. The whole way is `verify`."""

import time
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass

from audit_ledger.errors import FormatError, UnreachableError, VerificationError
from audit_ledger.tlog.checkpoint import Checkpoint
from audit_ledger.tlog.policy import Opinion, Policy
from audit_ledger.verify.digest_chain import DigestChain, DigestClaim, walk_digests
from audit_ledger.verify.digest_signatures import DigestSignatures, check_signatures
from audit_ledger.verify.entries import Progress, check_tree
from audit_ledger.verify.extra_objects import ExtraObjects, check_extra_objects
from audit_ledger.verify.findings import Answer, Code, Finding, Findings
from audit_ledger.verify.freshness import SignedTimes, check_times
from audit_ledger.verify.heads import CHECKPOINT, Heads, compare_heads, read_heads
from audit_ledger.verify.history import (
    compare_digests,
    compare_root,
    compare_with_remembered,
    recount_control_entries,
)
from audit_ledger.verify.remembered import Memory
from audit_ledger.verify.sources import Outcome, Source, read_outcome
from audit_ledger.verify.workers import InProcess, Workers, available_workers

_WORTH_PROCESSES = 50_000  # entries; below, starting processes takes longer than they save


@dataclass(frozen=True)
class Report:
    """What verification came to.

    Nothing of a ledger whose checkpoint does not hold is known: `checkpoint` is None then.
    `signed_time`: the newest signed time (whole seconds since 1970), None where nothing states
    one. `newest_digest`: what the newest digest says. `remembered`: the checkpoint verified before,
    None at first contact. `left_out`: findings beyond those kept. `not_covered`: what this
    verification says nothing about.
    """

    answer: Answer
    checkpoint: Checkpoint | None
    signed_time: int | None
    digests: int
    newest_digest: DigestClaim | None
    remembered: Checkpoint | None
    findings: tuple[Finding, ...]
    left_out: int
    not_covered: tuple[str, ...]


def verify(
    source: Source,
    policy: Policy,
    now: int,
    *,
    memory: Memory | None = None,
    tlog_only: bool = False,
    workers: int | None = None,
    progress: Progress | None = None,
    wait: Callable[[float], None] = time.sleep,
) -> Report:
    """Verify everything that is published, and say what it comes to.

    `now`: the time to judge freshness by, whole seconds since 1970. `memory`: where the last
    verified checkpoint of each origin is kept, None to remember nothing. `tlog_only`: for a log of
    other entries than ours: no entry format, links and digests. `workers`: processes, by default
    as many as this process may use. Raises FormatError for a memory that cannot be read, OSError
    for one that cannot be written, and nothing that a published object could cause.

    Trust is built from the outside in. A step that fails leaves the later ones to be done all the
    same wherever they still mean something, so that one damage does not hide another.
    """
    findings = Findings()

    # 1. What the log says of itself now: checkpoint and newest digest, read before anything that
    #    they promise, so that all of it must be there when it is read.
    if tlog_only:
        heads = Heads(read_outcome(source, CHECKPOINT), None)
    else:
        heads = read_heads(source, now, wait)

    # 2. Who says so. Without a checkpoint that a log of the policy signed there is nothing to
    #    compare the rest with. Where a cosignature is missing everything is looked at all the same.
    opinion = _judge_checkpoint(heads.checkpoint, policy, findings)
    if opinion is None or not isinstance(heads.checkpoint, bytes):
        return _report(findings, None, None, DigestChain(), None, [])
    checkpoint, origin = opinion.checkpoint, opinion.checkpoint.origin
    if checkpoint.extensions and not tlog_only:
        message = "extension lines, which a ledger's checkpoint has none of"
        findings.add(Finding(Code.CHECKPOINT_MALFORMED, CHECKPOINT, None, message))

    # 3. What it said before, to this verifier.
    remembered = memory.load(origin) if memory else None
    known_sizes = [remembered.size] if remembered else []

    with _pool(source, checkpoint.size, workers) as pool:
        # 4. The digests, back to the first: each the one that its successor names, each signed.
        #    They give further sizes at which the root is known.
        signatures = DigestSignatures(pool, policy, origin)
        chain = DigestChain()
        if not tlog_only:
            chain = walk_digests(source, origin, heads.latest, signatures.take)
            known_sizes += [claim.size_after for claim in chain.claims]

        # 5. Every entry, link and tile, in one pass that also gives the root at those sizes.
        tree = check_tree(
            pool,
            source,
            checkpoint.size,
            None if tlog_only else origin,
            known_sizes,
            checkpoint.root,
            progress,
        )
        signatures.finish()
    for part in (chain.findings, signatures.findings, tree.findings):
        findings.merge(part)

    # 6. One history: the root of all entries is the signed one, every root signed or remembered
    #    earlier is the root of how they begin, and what digests count is there.
    findings.extend(compare_root(checkpoint, chain, tree))
    findings.extend(compare_digests(chain, tree))
    findings.extend(recount_control_entries(chain, tree))
    if remembered:
        findings.extend(compare_with_remembered(checkpoint, remembered, tree))

    # 7. The newest digest is of this checkpoint, so neither was put back to an older one.
    checkpoint_time = max(opinion.cosignatures.values(), default=0)
    if isinstance(heads.latest, bytes):
        findings.extend(compare_heads(checkpoint, _own_time(policy, opinion), heads.latest, now))

    # 8. Nothing beside it that could be taken for a part of it.
    extra = check_extra_objects(
        source,
        checkpoint.size,
        None if tlog_only else chain,
        lambda path, data: not check_signatures(policy, origin, [(path, data)])[0],
        {finding.where for finding in findings.kept},
    )
    findings.merge(extra.findings)

    # 9. It is still going on, and nothing in it is from the future.
    times = {CHECKPOINT: checkpoint_time, "digests": signatures.newest_time}
    if chain.claims:
        times[chain.claims[0].path] = chain.claims[0].period_to
    signed = SignedTimes(times)
    last_entry = (checkpoint.size - 1, tree.last_time) if tree.last_time else None
    findings.extend(check_times(signed, last_entry, now))

    # 10. Only what was verified is remembered. A crash before this forgets one verification.
    if findings.answer is Answer.VERIFIED and memory is not None:
        memory.save(heads.checkpoint)
    not_covered = _not_covered(policy, opinion, signed, extra, tlog_only, memory, remembered)
    return _report(findings, checkpoint, signed.newest, chain, remembered, not_covered)


def _judge_checkpoint(outcome: Outcome, policy: Policy, findings: Findings) -> Opinion | None:
    """Give the policy's opinion of the checkpoint, None where it is not to be believed at all."""
    if isinstance(outcome, UnreachableError):
        findings.add(Finding(Code.UNREACHABLE, CHECKPOINT, None, str(outcome)))
        return None
    if outcome is None:
        message = "no checkpoint here: not a published ledger, or not where it begins"
        findings.add(Finding(Code.MISSING, CHECKPOINT, None, message))
        return None
    try:
        opinion = policy.evaluate(outcome)
    except FormatError as error:
        findings.add(Finding(Code.CHECKPOINT_MALFORMED, CHECKPOINT, None, str(error)))
        return None
    except VerificationError as error:
        findings.add(Finding(Code.CHECKPOINT_REJECTED, CHECKPOINT, None, str(error)))
        return None
    if not opinion.satisfied:
        missing = ", ".join(opinion.missing)
        message = f"not witnessed as the policy asks; no cosignature by {missing}"
        findings.add(Finding(Code.NOT_WITNESSED, CHECKPOINT, None, message))
    return opinion


def _own_time(policy: Policy, opinion: Opinion) -> int | None:
    """When the ledger's own key cosigned; witnesses do so later, at a time of their own."""
    own = [
        time
        for name, time in opinion.cosignatures.items()
        if policy.witnesses[name].key.name == opinion.checkpoint.origin
    ]
    return max(own, default=None)


def _pool(source: Source, size: int, workers: int | None) -> Executor:
    if workers is None:
        workers = available_workers() if size >= _WORTH_PROCESSES else 1
    return Workers(workers, source) if workers > 1 else InProcess()


def _not_covered(
    policy: Policy,
    opinion: Opinion,
    signed: SignedTimes,
    extra: ExtraObjects,
    tlog_only: bool,
    memory: Memory | None,
    remembered: object,
) -> list[str]:
    """Say what an answer of *verified* would not mean."""
    origin = opinion.checkpoint.origin
    others = {n for n in opinion.cosignatures if policy.witnesses[n].key.name != origin}
    notes = {
        "records: what an entry commits to is checked with a receipt": not tlog_only,
        "how many blocks a digest counts: blocks are not published": not tlog_only,
        "how many numbered events never came: the ledger counts them in sealed records": (
            not tlog_only
        ),
        "what entries say, links between them, digests: only the tree was looked at": tlog_only,
        "how fresh it is: nothing that was signed states a time": signed.newest is None,
        "whether others are shown the same: no witness but its own key cosigned": not others,
        "whether it was rolled back before this first contact": memory and not remembered,
        "whether it was rolled back: nothing is remembered": memory is None,
        "objects that nothing leads to: this source cannot list": not extra.is_listed,
        f"{extra.unpublished} objects of a checkpoint to come": extra.unpublished,
    }
    return [note for note, applies in notes.items() if applies]


def _report(
    findings: Findings,
    checkpoint: Checkpoint | None,
    signed_time: int | None,
    chain: DigestChain,
    remembered: Checkpoint | None,
    not_covered: Sequence[str],
) -> Report:
    return Report(
        findings.answer,
        checkpoint,
        signed_time,
        len(chain.claims),
        chain.claims[0] if chain.claims else None,
        remembered,
        tuple(findings.kept),
        findings.left_out,
        tuple(not_covered),
    )
