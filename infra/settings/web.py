"""Validates the settings of the API on the web: public URL, CORS origins, SMART configuration."""

import json
import re
from collections.abc import Iterator

from infra.settings.settings import Settings

MAX_CORS_ORIGINS = 20
SMART_REQUIRED = (
    "token_endpoint",
    "grant_types_supported",
    "capabilities",
    "code_challenge_methods_supported",
)
"""SMART App Launch 2.2, conformance: members that every configuration contains."""
MAX_SMART_BYTES = 2000  # of 4 KB for Lambda's environment

_HOST = r"[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*"
_PORT = (
    r"(:(?!0)(?:[0-9]{1,4}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5]))?"
)
_HERE = rf"http://(localhost|127\.0\.0\.1|\[::1\]){_PORT}"
_PATH = r"(/[A-Za-z0-9._~-]+)*"
_PUBLIC_URL = re.compile(rf"https://{_HOST}{_PORT}{_PATH}")
_LOCAL_URL = re.compile(_HERE + _PATH)
_ORIGIN = re.compile(rf"https://{_HOST}{_PORT}|{_HERE}")


def web_faults(settings: Settings) -> Iterator[tuple[str, object, str]]:
    """Return the faults of well-formed settings: place, what was found, what was expected."""
    url = settings.public_url
    is_local = settings.stage == "dev" and url is not None and _LOCAL_URL.fullmatch(url)
    if url is not None and not _PUBLIC_URL.fullmatch(url) and not is_local:
        expected = "the URL that clients use, https://…, without a query and a slash at its end"
        yield "public_url", url, expected
    if len(settings.cors_origins) > MAX_CORS_ORIGINS:
        yield "cors_origins", len(settings.cors_origins), f"at most {MAX_CORS_ORIGINS}"
    for place, origin in enumerate(settings.cors_origins):
        if not _ORIGIN.fullmatch(origin):
            expected = "the origin of a site, such as https://portal.example.org"
            yield f"cors_origins[{place}]", origin, expected
    yield from _smart_faults(settings)


def _smart_faults(settings: Settings) -> Iterator[tuple[str, object, str]]:
    smart = settings.tokens.smart_configuration
    if smart is None:
        return
    if settings.tokens.issuer is None:
        expected = "none without tokens.issuer: the app derives it from its own user pool"
        yield "tokens.smart_configuration", sorted(smart), expected
    missing = [name for name in SMART_REQUIRED if name not in smart]
    if missing:
        expected = f"{', '.join(SMART_REQUIRED)} at least (SMART App Launch 2.2)"
        yield "tokens.smart_configuration", sorted(smart), expected
    size = len(json.dumps(smart, ensure_ascii=False).encode())
    if size > MAX_SMART_BYTES:
        expected = f"at most {MAX_SMART_BYTES} bytes"
        yield "tokens.smart_configuration", f"{size} bytes", expected
