"""A dead letter as the archive keeps it: `{"sender": …, "sent": …, "body": …}`.

SQS' id of who sent it, when (milliseconds since 1970), and the message as it was: sealed records.
It lies under `dead-letters/<yyyy>/<mm>/<dd>/<message id>`, by the day it was sent.
"""

import msgspec

from audit_ledger.errors import FormatError

FOLDER = "dead-letters/"


class DeadLetter(msgspec.Struct, frozen=True):
    """A message that could not be appended, as the archive stores it."""

    sender: str
    sent: int
    body: str


def parse_dead_letter(data: bytes) -> DeadLetter:
    """Read one from the archive; raise FormatError if it is none."""
    try:
        return msgspec.json.decode(data, type=DeadLetter)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise FormatError("not a dead letter") from None
