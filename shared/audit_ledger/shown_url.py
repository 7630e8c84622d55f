"""Remove credentials from URLs in messages and logs."""

import re

_USER_INFO = re.compile(r"(?<=//).*@", re.DOTALL)  # also of a password that should be encoded
_QUERY = re.compile(r"[?#].*", re.DOTALL)


def shown_url(url: str) -> str:
    """Return a URL, or what should be one, without user, password, query and fragment."""
    return _QUERY.sub(lambda found: f"{found[0][0]}…", _USER_INFO.sub("…@", url))
