"""A dead letter as stored in the archive: `{"sender": …, "sent": …, "body": …}`.

SQS' id of the sender, the time of sending (milliseconds since 1970), and the unchanged message.
Its key is `dead-letters/<yyyy>/<mm>/<dd>/<message id>`, with the day of sending.
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
    """Parse a dead letter of the archive; raise FormatError for anything else."""
    try:
        return msgspec.json.decode(data, type=DeadLetter)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise FormatError("not a dead letter") from None
