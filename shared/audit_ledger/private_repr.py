"""Values that name people or quote events, and do not show it: not in a log, an error or a test."""

from typing import ClassVar


class PrivateRepr:
    """A mixin of classes whose repr shows the fields of `SHOWN` and no others."""

    __slots__ = ()
    SHOWN: ClassVar[tuple[str, ...]] = ()

    def __repr__(self) -> str:
        """Show nothing that may be of an event."""
        shown = ", ".join(f"{name}={getattr(self, name)!r}" for name in self.SHOWN)
        return f"{type(self).__name__}({shown})"
