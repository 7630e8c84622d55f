"""The policy file of a ledger, from its public keys (C2SP tlog-policy)."""

from collections.abc import Sequence

from audit_ledger.errors import FormatError
from audit_ledger.tlog.note import ED25519, MLDSA44_COSIGNATURE, VerifierKey
from audit_ledger.tlog.policy import Group, Log, Policy, Witness


class PolicyError(FormatError):
    """A policy that lacks a key that verification needs: its author's fault, not the ledger's."""


_OWN_KEY = "ledger-mldsa44"
_OWN_KEYS = "ledger"


def policy_for(origin: str, ed25519_keys: Sequence[bytes], mldsa44_keys: Sequence[bytes]) -> Policy:
    """Return the policy that believes a ledger's checkpoint when both of its keys signed it.

    Keys are raw: 32 bytes (Ed25519), 1,312 bytes (ML-DSA-44). One of each as a rule; two of each
    in a rotation, when either is enough. Raises FormatError.

        log <origin>+…
        witness ledger-mldsa44 <origin>+…
        group ledger all ledger-mldsa44
        quorum ledger

    A verifier adds the witnesses of others that it trusts to the file.
    """
    if not ed25519_keys or not mldsa44_keys:
        raise FormatError("policy: a ledger has a key of each kind, Ed25519 and ML-DSA-44")
    logs = tuple(Log(VerifierKey(origin, ED25519, key)) for key in ed25519_keys)
    names = [_OWN_KEY] + [f"{_OWN_KEY}-{n}" for n in range(2, len(mldsa44_keys) + 1)]
    witnesses = {
        name: Witness(VerifierKey(origin, MLDSA44_COSIGNATURE, key))
        for name, key in zip(names, mldsa44_keys, strict=True)
    }
    groups = {_OWN_KEYS: Group(threshold=1, members=tuple(names))}
    return Policy(logs, witnesses, groups, _OWN_KEYS)


def require_ed25519_log(policy: Policy, origin: str | None = None) -> None:
    """Raise PolicyError unless a policy has an Ed25519 key (0x01) on a `log` line.

    `origin`: of the ledger, once it is known. Without the key all digests would be rejected, and
    the ledger would fail because of an incomplete policy.
    """
    names = {log.key.name for log in policy.logs if log.key.algorithm == ED25519}
    if not names or (origin is not None and origin not in names):
        whose = "" if origin is None else f" of {origin}"
        raise PolicyError(f"no log line with an Ed25519 key (type 0x01){whose}")
