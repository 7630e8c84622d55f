"""Media types (RFC 9110, Section 8.3.1): `application/fhir+json; fhirVersion=4.0`."""

import re
from typing import Final

import msgspec

_PARAMETER: Final = re.compile(r';\s*([^\s=;"]+)\s*=\s*("(?:[^"\\]|\\.)*"|[^;]*)')


class MediaType(msgspec.Struct, frozen=True):
    """`essence` (type/subtype) and parameter names are in lower case; values are unchanged."""

    essence: str
    parameters: dict[str, str]

    @property
    def is_json(self) -> bool:
        """Whether it declares JSON: subtype `json`, or a suffix `+json`."""
        return self.essence.endswith(("/json", "+json"))

    @property
    def is_xml(self) -> bool:
        """Whether it declares XML: subtype `xml`, or a suffix `+xml`."""
        return self.essence.endswith(("/xml", "+xml"))

    @property
    def fhir_version(self) -> str | None:
        """The parameter `fhirVersion`; None if absent."""
        return self.parameters.get("fhirversion")


def parse_media_type(text: str) -> MediaType:
    """Parse a Content-Type; a malformed one yields an empty essence or lacks parameters."""
    essence, semicolon, rest = text.partition(";")
    parameters = {}
    for name, value in _PARAMETER.findall(semicolon + rest):
        quoted = value[:1] == '"'
        parameters[name.lower()] = re.sub(r"\\(.)", r"\1", value[1:-1]) if quoted else value.strip()
    return MediaType(essence.strip().lower(), parameters)
