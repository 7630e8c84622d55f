"""A route of query: what answers it, and how OpenAPI describes it."""

from collections.abc import Callable
from typing import NamedTuple

from audit_ledger.http.openapi import REFUSED, Json, first_line
from audit_ledger.http.request import Request
from audit_ledger.http.responses import Response
from functions.query.access import QueryContext

JSON_ONLY = ("application/json",)


class QueryRoute(NamedTuple):
    """A route. `operation`: of OpenAPI, without what `described` adds.

    `media_types`: of answers of one release or none; others, and reports, choose for themselves.
    """

    respond: Callable[[QueryContext, Request], Response]
    operation: Json
    media_types: tuple[str, ...] = ()

    def described(self) -> Json:
        """Return the operation, with its summary and what every route answers to some."""
        return {
            "operationId": self.operation["operationId"],
            "summary": first_line(self.respond),
            **self.operation,
            "responses": {**REFUSED, **self.operation["responses"]},
        }
