"""The address that a client uses: what every link, `fullUrl` and Location begins with.

It is the setting `public_url`, where there is one: behind a proxy, or where a custom domain maps a
path to the API, nobody else knows it. Without, it is the API's own domain and stage, as API Gateway
names them. Headers (`Host`, `X-Forwarded-*`, `Forwarded`) are never believed: any client may send
them, and an answer may be stored by a cache.
"""

from collections.abc import Mapping
from typing import Any

LOOPBACK = ("127.0.0.1", "localhost", "[::1]")


def base_url(event: Mapping[str, Any], public_url: str = "") -> str:
    """Return the base URL of a request, without a slash at its end."""
    if public_url:
        return public_url
    context = event["requestContext"]
    domain = context.get("domainName") or "localhost"
    stage = context.get("stage") or "$default"
    path = "" if stage == "$default" else f"/{stage}"
    # API Gateway serves https alone; a domain of this machine is the local server's.
    scheme = "http" if domain.startswith(LOOPBACK) else "https"
    return f"{scheme}://{domain}{path}"
