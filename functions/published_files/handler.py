"""Lambda of published files: returns one file per authorized request."""

import os
from functools import cache
from typing import Any

from aws_lambda_powertools import Logger

from audit_ledger.aws import clients
from audit_ledger.aws.objects import LedgerObjects, StoredObject
from audit_ledger.errors import LedgerError
from audit_ledger.http.authorization import read_authorization
from audit_ledger.http.request import read_headers
from audit_ledger.http.responses import Response, error_response
from audit_ledger.http.serving import complete_response, resolve_route
from audit_ledger.settings.environment import PublishedFilesEnvironment
from functions.published_files.read import read_published

logger = Logger()


@cache
def environment() -> PublishedFilesEnvironment:
    """The function's environment variables, read once in each container."""
    return PublishedFilesEnvironment.read(os.environ)


@cache
def objects(ledger_id: str) -> LedgerObjects:
    """Return one ledger's published files."""
    return LedgerObjects(_s3(), environment().published_bucket, ledger_id)


_s3 = cache(clients.s3)


def get(ledger_id: str, file: str) -> StoredObject | None:
    """Read one file; return None if absent."""
    return objects(ledger_id).get(file)


def handler(event: dict[str, Any], context: object) -> Response:  # noqa: ARG001 Lambda's form
    """Respond to one request."""
    try:
        response = _respond(event)
    except LedgerError as error:
        response = error_response(error)
    except clients.AwsError as error:
        logger.error("published file not read", error=type(error).__name__)
        response = error_response(LedgerError())
    return complete_response(event, response)


def _respond(event: dict[str, Any]) -> Response:
    resolve_route(event, "published")
    access = read_authorization(event["requestContext"]["authorizer"]["jwt"], environment().claims)
    path = (event.get("pathParameters") or {}).get("path", "")
    return read_published(access, path, read_headers(event), get)
