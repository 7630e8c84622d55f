"""Standard streams as the command needs them, in whatever terminal, pipe or locale it runs."""

import os
import sys
from io import TextIOWrapper


def prepare() -> bool:
    """Prepare the standard streams; return False where standard output or error is closed.

    A closed descriptor is opened on the null device, so that no file of the command takes its
    number and receives what was meant for the stream. What the encoding of a stream lacks is
    written escaped (`\\u7530`) instead of raising UnicodeEncodeError.
    """
    is_open = sys.stdout is not None and sys.stderr is not None
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # POSIX: the lowest number that is free
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    return is_open


def discard_output() -> None:
    """Send what is still to be written to standard output to the null device."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
