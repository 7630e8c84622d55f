"""The documentation of parameters is that of the parser."""

import pytest

from audit_ledger.search import parameters
from audit_ledger.search.criteria import DateCondition, NamedResource, Text, Token
from audit_ledger.search.errors import RejectedSearchError
from audit_ledger.search.parameter_docs import (
    MODIFIERS,
    OF_THE_ANSWER,
    PARAMETERS,
    DocumentedParameter,
)
from audit_ledger.search.parameters import parse_search

VALUES: dict[str, tuple[str, type[object]]] = {
    "date": ("2026-11", DateCondition),
    "reference": ("Patient/1", NamedResource),
    "string": ("10.0.0.1", Text),
    "uri": ("urn:a", Text),
    "token": ("a", Token),
}
"""By type, a value and what it is parsed to."""
CLOSED = {"action": "R", "outcome": "8"}  # other codes are refused


def test_all_parameters_are_documented_once_and_no_others() -> None:
    """The parsers are derived from the documentation."""
    names = [each.name for each in PARAMETERS]
    assert names == list(dict.fromkeys(names))
    assert parameters._PARSERS.keys() == set(names)
    assert OF_THE_ANSWER.keys().isdisjoint(names)


@pytest.mark.parametrize("parameter", PARAMETERS, ids=lambda p: p.name)
def test_a_parameter_has_its_documented_type(parameter: DocumentedParameter) -> None:
    """Its value is parsed to that type."""
    text, form = VALUES[parameter.type]
    text = CLOSED.get(parameter.name, text)
    search = parse_search([("date", "2026"), (parameter.name, text)], is_strict=True)
    (value,) = search.criteria[-1].values
    assert isinstance(value, form)
    assert search.criteria[-1].parameter == parameter.name


@pytest.mark.parametrize("parameter", PARAMETERS, ids=lambda p: p.name)
def test_a_parameter_has_the_modifiers_of_its_type(parameter: DocumentedParameter) -> None:
    """Dates and ids have none."""
    text = CLOSED.get(parameter.name, VALUES[parameter.type][0])
    of_type = {
        "token": {"not", "missing"},
        "reference": {"missing", "identifier"},
        "string": {"missing", "exact", "contains"},
        "uri": {"missing"},
        "date": set[str](),
    }
    allowed = set() if parameter.name == "_id" else of_type[parameter.type]
    assert allowed <= set(MODIFIERS)
    for modifier in (*MODIFIERS, "above", "below", "text", "in"):
        value = "true" if modifier == "missing" else text
        pairs = [("date", "2026"), (f"{parameter.name}:{modifier}", value)]
        if modifier in allowed:
            criterion = parse_search(pairs, is_strict=True).criteria[-1]
            named = f"{criterion.parameter}:{criterion.modifier}"
            assert named in (f"{parameter.name}:{modifier}", f"{parameter.name}.identifier:")
        else:
            with pytest.raises(RejectedSearchError):
                parse_search(pairs, is_strict=True)
