"""What is wrong with the settings of the API's address."""

import re
from collections.abc import Iterator

from infra.settings import Settings

_HOST = r"[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*"
_PATH = r"(/[A-Za-z0-9._~-]+)*"
_PUBLIC_URL = re.compile(rf"https://{_HOST}(:\d{{1,5}})?{_PATH}")
_LOCAL_URL = re.compile(rf"http://(localhost|127\.0\.0\.1|\[::1\])(:\d{{1,5}})?{_PATH}")


def web_faults(settings: Settings) -> Iterator[tuple[str, object, str]]:
    """Give what is well-formed but wrong: place, what was found, what was expected."""
    url = settings.public_url
    if url is None or _PUBLIC_URL.fullmatch(url):
        return
    if settings.stage != "dev" or not _LOCAL_URL.fullmatch(url):
        yield (
            "public_url",
            url,
            "the URL that clients use, https://…, without a query and a slash at its end",
        )
