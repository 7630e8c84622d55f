"""GET /published/{path}: a token holder reads the files of one ledger, and of no other."""

import base64
from typing import Any

import pytest

from functions.published_files import handler
from tests.world import LEDGER, NAME, World

CONTEXT: Any = None
TILE = bytes(range(32))


@pytest.fixture(autouse=True)
def _fresh_container(world: World) -> None:
    handler.objects.cache_clear()
    handler._s3.cache_clear()
    handler.environment.cache_clear()


def put(world: World, key: str, data: bytes) -> str:
    answer = world.s3.put_object(Bucket=f"{NAME}-published", Key=key, Body=data)
    return str(answer["ETag"])


def ask(
    path: str,
    scope: str = f"ledger/{LEDGER}",
    headers: dict[str, str] | None = None,
    claims: dict[str, str] | None = None,
) -> dict[str, Any]:
    """Ask as API Gateway does for a token with these claims."""
    jwt = {"claims": {"scope": scope, **(claims or {})}, "scopes": None}
    event = {
        "routeKey": "GET /published/{path+}",
        "headers": headers or {},
        "pathParameters": {"path": path},
        "requestContext": {"authorizer": {"jwt": jwt}},
    }
    return handler.handler(event, CONTEXT)


def test_a_tile_comes_byte_for_byte_and_may_be_kept_for_ever(world: World) -> None:
    """Tiles never change, so whoever has one need not ask again."""
    tag = put(world, f"{LEDGER}/tile/0/000", TILE)
    answer = ask(f"{LEDGER}/tile/0/000")
    assert answer["statusCode"] == 200
    assert answer["isBase64Encoded"]
    assert base64.b64decode(answer["body"]) == TILE
    assert answer["headers"]["Content-Type"] == "application/octet-stream"
    assert answer["headers"]["ETag"] == tag
    assert "immutable" in answer["headers"]["Cache-Control"]


@pytest.mark.parametrize("file", ["checkpoint", "digests/latest"])
def test_what_is_replaced_is_asked_for_anew(world: World, file: str) -> None:
    """The newest checkpoint and digest are text, and are never taken from a cache unasked."""
    put(world, f"{LEDGER}/{file}", "— note\n".encode())
    answer = ask(f"{LEDGER}/{file}")
    assert base64.b64decode(answer["body"]).decode() == "— note\n"
    assert answer["headers"]["Content-Type"] == "text/plain; charset=utf-8"
    assert "no-cache" in answer["headers"]["Cache-Control"]


def test_who_has_the_file_gets_no_body(world: World) -> None:
    """If-None-Match with the file's tag is answered 304."""
    tag = put(world, f"{LEDGER}/checkpoint", b"note")
    answer = ask(f"{LEDGER}/checkpoint", headers={"If-None-Match": tag})
    assert answer["statusCode"] == 304
    assert "body" not in answer
    assert ask(f"{LEDGER}/checkpoint", headers={"If-None-Match": '"other"'})["statusCode"] == 200


@pytest.mark.parametrize(
    "path",
    [
        f"{LEDGER}/tile/0/001",
        f"{LEDGER}/",
        LEDGER,
        f"{LEDGER}/../riverside-lab/checkpoint",
        f"{LEDGER}//checkpoint",
    ],
)
def test_what_is_not_there_is_not_found(world: World, path: str) -> None:
    """404, and a path that climbs out of the ledger is only a name that nothing has."""
    put(world, f"{LEDGER}/checkpoint", b"note")
    put(world, "riverside-lab/checkpoint", b"other note")
    assert ask(path)["statusCode"] == 404


@pytest.mark.parametrize(
    "path", ["riverside-lab/checkpoint", "checkpoint", f"{LEDGER}2/checkpoint"]
)
def test_another_ledgers_files_are_forbidden(world: World, path: str) -> None:
    """The token's ledger must be the path's, whether the file exists or not."""
    put(world, "riverside-lab/checkpoint", b"other note")
    assert ask(path)["statusCode"] == 403


@pytest.mark.parametrize("scope", ["", "system/AuditEvent.rs", "ledger/a ledger/b", "ledger/*"])
def test_a_token_that_names_no_one_ledger_is_forbidden(world: World, scope: str) -> None:
    """None, several or a pattern: all are no ledger."""
    put(world, f"{LEDGER}/checkpoint", b"note")
    assert ask(f"{LEDGER}/checkpoint", scope=scope)["statusCode"] == 403


def test_a_claim_outranks_scopes(world: World) -> None:
    """Where the issuer sets the claim that the settings name, it says the ledger."""
    put(world, f"{LEDGER}/checkpoint", b"note")
    claimed = ask(f"{LEDGER}/checkpoint", claims={"ledger": "riverside-lab"})
    assert claimed["statusCode"] == 403
    assert ask(f"{LEDGER}/checkpoint", "", claims={"ledger": LEDGER})["statusCode"] == 200


def test_storage_that_does_not_answer_is_503_and_says_nothing_of_it(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An error of S3 is no missing file."""
    monkeypatch.setenv("PUBLISHED_BUCKET", "no-such-bucket")
    answer = ask(f"{LEDGER}/checkpoint")
    assert answer["statusCode"] == 503
    assert "no-such-bucket" not in answer["body"]


@pytest.mark.parametrize("name", ["9" * 1024, "é" * 510])
def test_a_name_longer_than_any_key_is_not_found(
    world: World, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """S3 refuses to look for one over 1,024 bytes, not with a 404: it is not asked."""

    def too_long(*_: str) -> None:
        raise AssertionError("asked")

    monkeypatch.setattr(handler, "get", too_long)
    assert ask(f"{LEDGER}/{name}")["statusCode"] == 404
