"""Errors of the log formats. A message states what was found, what was expected and where."""


class LedgerError(Exception):
    """The root of all errors that this package, and a ledger built on it, raise on purpose."""


class FormatError(LedgerError, ValueError):
    """Bytes are not what their specification demands."""


class VerificationError(LedgerError):
    """Well-formed, but a signature, hash, link or proof does not verify."""


class NotFoundError(LedgerError):
    """Something that was named does not exist."""
