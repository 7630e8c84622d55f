"""Subject secret: needed to open any record of its subject and generation."""

from dataclasses import dataclass


@dataclass(frozen=True, repr=False)
class SubjectSecret:
    """A subject's secret of one generation."""

    generation: int
    secret: bytes
