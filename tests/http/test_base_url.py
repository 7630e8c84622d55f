"""Every link begins with the address that clients use; request headers do not affect it."""

from typing import Any

import pytest

from audit_ledger.http.base_url import base_url

SPOOFED = {
    "host": "evil.example",
    "x-forwarded-proto": "https, http",
    "x-forwarded-host": "evil.example",
    "x-forwarded-prefix": "/evil",
    "x-forwarded-port": "1",
    "forwarded": "proto=https;host=evil.example",
}


def request(**context: str) -> dict[str, Any]:
    return {"headers": SPOOFED, "requestContext": context}


@pytest.mark.parametrize(
    ("context", "base"),
    [
        (
            {"domainName": "abc.execute-api.eu-central-1.amazonaws.com", "stage": "$default"},
            "https://abc.execute-api.eu-central-1.amazonaws.com",
        ),
        (
            {"domainName": "abc.execute-api.eu-central-1.amazonaws.com", "stage": "prod"},
            "https://abc.execute-api.eu-central-1.amazonaws.com/prod",
        ),
        ({"domainName": "audit.example.org"}, "https://audit.example.org"),
        ({"domainName": "127.0.0.1:8080", "stage": "$default"}, "http://127.0.0.1:8080"),
        ({"domainName": "localhost:8080"}, "http://localhost:8080"),
        ({}, "http://localhost"),
    ],
)
def test_the_base_url_is_domain_and_stage_of_the_api(context: dict[str, str], base: str) -> None:
    """As API Gateway names them; only addresses of this machine use HTTP."""
    assert base_url(request(**context)) == base


@pytest.mark.parametrize("context", [{}, {"domainName": "abc.example", "stage": "prod"}])
def test_the_setting_overrides_the_request(context: dict[str, str]) -> None:
    """It may include a proxy's path, which the function cannot see."""
    configured = "https://audit.hospital.example/prod"
    assert base_url(request(**context), configured) == configured
