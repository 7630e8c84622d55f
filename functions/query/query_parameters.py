"""The query string of requests other than searches."""

from audit_ledger.http.request import Request
from audit_ledger.instants import parse_instant
from audit_ledger.search.errors import RejectedSearchError


class QueryParameters:
    """Parameters of a request other than a search: known ones, each once except `patient`.

    Raise RejectedSearchError for others: ignoring them would mislead the caller.
    """

    def __init__(self, request: Request, known: tuple[str, ...]) -> None:
        self._values: dict[str, str] = {}
        self.patients: list[str] = []
        for name, value in request.query_pairs:
            if name not in known:
                raise RejectedSearchError(
                    "the query string", f"no more than {', '.join(known)}", "not-supported"
                )
            if name == "patient":
                self.patients.append(value)
            elif name in self._values:
                raise RejectedSearchError(name, "this parameter once", "invalid")
            else:
                self._values[name] = value

    def get(self, name: str) -> str | None:
        """Return a parameter's value, None if it is absent."""
        return self._values.get(name)


def instant_of(parameters: QueryParameters, name: str, otherwise: int) -> int:
    """Read a parameter that is an instant, in whole seconds; return `otherwise` if it is absent."""
    value = parameters.get(name)
    if value is None:
        return otherwise
    try:
        return parse_instant(value, what=name)
    except ValueError:
        expected = "an instant like 2026-11-22T05:59:00Z"
        raise RejectedSearchError(name, expected) from None
