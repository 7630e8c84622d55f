"""Errors of the client. A message contains no token, query, body or content of an event."""

from audit_ledger.errors import LedgerError


class ClientError(LedgerError):
    """The root of the errors of this package."""


class InvalidInputError(ClientError):
    """An input cannot be used, or the ledger refused it: another attempt ends in the same way."""


class UnansweredError(ClientError):
    """There is no answer, or not one of the API: the same call may succeed later."""
