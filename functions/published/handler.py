"""Lambda of published files: a token holder's request in, one file out."""

import json
import os
from functools import cache
from typing import Any

from aws_lambda_powertools import Logger

from audit_ledger.access import ForbiddenError, TokenClaims, read_access
from audit_ledger.aws import clients
from audit_ledger.aws.objects import LedgerObjects, Retention, StoredObject
from functions.published.read import Answer, read_published, refusal

logger = Logger()
_NOTHING_IS_WRITTEN = Retention("GOVERNANCE", 1)


@cache
def token_claims() -> TokenClaims:
    """Names of the claims that the settings say."""
    return TokenClaims(**json.loads(os.environ["TOKEN_CLAIMS"]))


@cache
def objects(ledger_id: str) -> LedgerObjects:
    """One ledger's published files."""
    return LedgerObjects(_s3(), os.environ["PUBLISHED_BUCKET"], ledger_id, _NOTHING_IS_WRITTEN)


_s3 = cache(clients.s3)


def get(ledger_id: str, file: str) -> StoredObject | None:
    """Read one file; None where there is none."""
    return objects(ledger_id).get(file)


def handler(event: dict[str, Any], context: object) -> Answer:  # noqa: ARG001 Lambda's form
    """Answer one request."""
    access = read_access(event["requestContext"]["authorizer"]["jwt"], token_claims())
    headers = {name.lower(): value for name, value in event.get("headers", {}).items()}
    try:
        return read_published(access, event["pathParameters"]["path"], headers, get)
    except ForbiddenError as error:
        return refusal(403, str(error))
    except clients.AwsError as error:
        logger.error("not read", error=type(error).__name__)
        return refusal(503, "the published files cannot be read now")
