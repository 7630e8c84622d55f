"""Accept is a list with weights (RFC 9110, Section 12.5.1).

The expected results were derived by hand from the RFC's rules and its example.
"""

import pytest

from audit_ledger.events import RejectedEventError
from audit_ledger.http.accept_header import MediaRange, Offer, choose, parse_accept
from audit_ledger.http.negotiation import fhir_json, require_acceptable
from tests.http.test_request import read

HAPI = (
    "application/fhir+xml;q=1.0, application/fhir+json;q=1.0, "
    "application/xml+fhir;q=0.9, application/json+fhir;q=0.9"
)
"""The default of the Java client of HAPI FHIR 8.8.0 for R4."""
CHROMIUM = (
    "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,image/apng,"
    "*/*;q=0.8,application/signed-exchange;v=b3;q=0.7"
)
JAVA = "text/html, image/gif, image/jpeg, *; q=.2, */*; q=.2"
"""The default of HttpURLConnection."""
FHIR = "application/fhir+json"


@pytest.mark.parametrize(
    ("text", "ranges"),
    [
        ("", []),
        ("text/html", [MediaRange("text/html")]),
        ("Text/HTML ; Q=0.5", [MediaRange("text/html", "", 500)]),
        ("a/b;q=0.001,c/d;q=0", [MediaRange("a/b", "", 1), MediaRange("c/d", "", 0)]),
        ("a/b;q=1.000", [MediaRange("a/b", "", 1000)]),
        ("a/b;q=7", [MediaRange("a/b", "", 1000)]),
        ("*;q=.2", [MediaRange("*/*", "", 200)]),
        (f"{FHIR};fhirVersion=5.0", [MediaRange(FHIR, "5.0")]),
        (f"{FHIR}; FHIRVERSION=4.0.1;q=0.3", [MediaRange(FHIR, "4.0", 300)]),
        (f'{FHIR}; fhirVersion="5.0" ; charset=utf-8', [MediaRange(FHIR, "5.0")]),
        (f"{FHIR};fhirVersion=R4", [MediaRange(FHIR, "?")]),
        (f"{FHIR};q=0.5;fhirVersion=5.0", [MediaRange(FHIR, "", 500)]),  # an Accept extension
        ('a/b;profile="x,y;q=0;\\",", c/d', [MediaRange("a/b"), MediaRange("c/d")]),
        (",, a/b,", [MediaRange("a/b")]),
        ("json, a/b c/d, a/, /b, a/b/c, a/b;q=high, a/b;q=", []),
        ('a/b;x="never closed, c/d', [MediaRange("a/b")]),
    ],
)
def test_elements_are_separated_by_commas_outside_of_quotes(
    text: str, ranges: list[MediaRange]
) -> None:
    """Elements that are not media ranges are ignored."""
    assert parse_accept(text) == ranges


RFC_EXAMPLE = (
    "text/*;q=0.3, text/plain;q=0.7, text/plain;format=flowed, "
    "text/plain;format=fixed;q=0.4, */*;q=0.5"
)


@pytest.mark.parametrize(
    ("name", "others", "wins"),
    [
        ("text/html", ["image/jpeg"], "image/jpeg"),  # 0.3 against 0.5
        ("text/html", ["text/plain"], "text/plain"),
        ("image/jpeg", ["text/html"], "image/jpeg"),
    ],
)
def test_the_example_of_rfc_9110_has_its_weights(name: str, others: list[str], wins: str) -> None:
    """The most specific range decides the weight; unknown parameters make no difference."""
    offers = [name, *others]
    chosen = choose(parse_accept(RFC_EXAMPLE), [Offer((each,)) for each in offers])
    assert chosen is not None
    assert offers[chosen] == wins


@pytest.mark.parametrize(
    ("accept", "version"),
    [
        (None, "4.0"),
        ("", "4.0"),
        (HAPI, "4.0"),
        (CHROMIUM, "4.0"),
        (JAVA, "4.0"),
        ("*/*", "4.0"),
        ("application/*;q=0.1", "4.0"),
        ("application/json", "4.0"),
        ("application/json+fhir", "4.0"),
        ("text/json", "4.0"),
        ("application/fhir+xml;q=0.1, application/fhir+json;q=1.0", "4.0"),
        ("application/fhir+json;q=0.1, application/fhir+xml", "4.0"),
        ("application/fhir+json, application/fhir+xml", "4.0"),
        ("application/fhir+xml;q=0.5, application/fhir+json", "4.0"),
        (f"{FHIR};fhirVersion=4.0, {FHIR};fhirVersion=5.0;q=0.1", "4.0"),
        (f"{FHIR};fhirVersion=4.0;q=0.1, {FHIR};fhirVersion=5.0", "5.0"),
        ("application/json;q=0, */*;q=0.1", "4.0"),  # the response is application/fhir+json
        ("application/json;q=0, application/fhir+json;q=0.5", "4.0"),
        ("application/fhir+json;q=0, application/json", "4.0"),
        (f"{FHIR};fhirVersion=5.0", "5.0"),
        (f"{FHIR};fhirVersion=5.0.0", "5.0"),
        (f"{FHIR};fhirVersion=4.3", "4.3"),
        (f"{FHIR};fhirVersion=5.0, {FHIR}", "5.0"),  # both have weight 1: the named one
        (f"{FHIR};fhirVersion=5.0;q=0.5, {FHIR}", "4.0"),
        (f"{FHIR};fhirVersion=5.0, */*;q=0.8", "5.0"),
        (f"{FHIR};fhirVersion=3.0, */*;q=0.1", "4.0"),
        (f"{FHIR};fhirVersion=4.0;q=0, {FHIR}", "5.0"),  # anything but R4
        ("application/fhir+xml;fhirVersion=5.0, application/fhir+json", "4.0"),
        ("no media range at all", "4.0"),  # ignored, as RFC 9110 permits
    ],
)
def test_fhir_is_served_if_any_form_of_it_is_acceptable(accept: str | None, version: str) -> None:
    """In R4 unless another release is requested."""
    assert fhir_json(read(headers={} if accept is None else {"accept": accept})).version == version


@pytest.mark.parametrize(
    "accept",
    [
        "application/fhir+xml",
        "application/fhir+xml, text/turtle;q=0.5",
        "application/json;q=0",
        "application/fhir+json;q=0, */*",
        "*/*;q=0",
        "*/*, application/fhir+json;q=0, application/json;q=0, application/*;q=0",
        "text/html",
        "text/*;q=0, text/html",
        f"{FHIR};fhirVersion=3.0",
        f"{FHIR};fhirVersion=1.0, application/fhir+xml",
        f"{FHIR};fhirVersion=R4",
    ],
)
def test_406_only_if_nothing_acceptable_can_be_served(accept: str) -> None:
    """RFC 9110, Section 15.5.7; the message names the available media type."""
    with pytest.raises(RejectedEventError, match=r"application/fhir\+json") as refused:
        fhir_json(read(headers={"accept": accept}))
    assert (refused.value.status, refused.value.expression) == (406, "Accept")


@pytest.mark.parametrize(
    ("query", "accept", "version"),
    [
        ("_format=json", "application/fhir+xml", "4.0"),
        ("_format=application%2Ffhir%2Bjson", "application/fhir+xml", "4.0"),
        ("_format=application/fhir+json", "application/fhir+xml", "4.0"),  # + is a space here
        ("_format=application/json%2Bfhir", "*/*", "4.0"),
        ("_format=application/fhir+json;fhirVersion=5.0", f"{FHIR};fhirVersion=4.0", "5.0"),
        ("_format=json", f"{FHIR};fhirVersion=5.0", "5.0"),  # Accept still selects the release
        ("_format=JSON&date=2026", "", "4.0"),
        ("_format=*/*", "application/fhir+xml", "4.0"),
    ],
)
def test_format_comes_before_accept(query: str, accept: str, version: str) -> None:
    """FHIR, http.html, content types: for clients that cannot set headers."""
    request = read(rawQueryString=query, headers={"accept": accept})
    assert fhir_json(request).version == version


@pytest.mark.parametrize(
    "query",
    [
        "_format=xml",
        "_format=",
        "_format=html",
        "_format=application/fhir+xml",
        "_format=json,xml2/",
    ],
)
def test_a_format_that_is_not_served_is_406(query: str) -> None:
    """Regardless of Accept."""
    with pytest.raises(RejectedEventError) as refused:
        fhir_json(read(rawQueryString=query, headers={"accept": "*/*"}))
    assert (refused.value.status, refused.value.expression) == (406, "_format")


def test_a_format_can_be_a_field_of_a_form() -> None:
    """The body of `POST …/_search` contains the parameters."""
    form = {"content-type": "application/x-www-form-urlencoded", "accept": "application/fhir+xml"}
    members = {"route": "POST /AuditEvent/_search", "headers": form}
    body = "_format=application%2Ffhir%2Bjson%3BfhirVersion%3D5.0"
    assert fhir_json(read(**members, body=body)).version == "5.0"
    with pytest.raises(RejectedEventError, match="_format"):
        fhir_json(read(**members, body="date=2026&_format=xml"))


@pytest.mark.parametrize(
    ("accept", "form"),
    [
        ("", "application/json"),
        (CHROMIUM, "text/html"),
        ("text/csv;q=0.9, application/json;q=0.8", "text/csv"),
        ("text/csv;q=0.1, */*", "application/json"),
        ("text/*", "text/html"),
        ("application/fhir+json, */*;q=0.1", "application/json"),
    ],
)
def test_other_responses_negotiate_their_media_type(accept: str, form: str) -> None:
    """By the same rules."""
    request = read(headers={"accept": accept})
    assert require_acceptable(request, "application/json", "text/html", "text/csv") == form
    with pytest.raises(RejectedEventError, match="text/plain"):
        require_acceptable(read(headers={"accept": "application/fhir+xml"}), "text/plain")
