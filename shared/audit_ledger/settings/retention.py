"""The retention of published and archived objects (S3 Object Lock)."""

from typing import Literal

import msgspec

LockMode = Literal["GOVERNANCE", "COMPLIANCE"]


class Retention(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Object Lock of an object. `days`: from the time of writing, neither changed nor deleted."""

    mode: LockMode
    days: int
