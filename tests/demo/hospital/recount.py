"""What submissions hold, counted from their bytes alone."""

import json
from collections.abc import Iterator
from typing import Any

from infra.demo.hospital import Submission

Json = dict[str, Any]


def resources(submission: Submission) -> list[Json]:
    """The AuditEvents or CloudEvents (structured form) inside."""
    body = json.loads(submission.body)
    if submission.how == "audit-event":
        return [body]
    if submission.how.startswith("bundle"):
        return [entry["resource"] for entry in body["entry"]]
    if submission.how == "cloudevent-binary":
        attributes = {name.removeprefix("ce-"): value for name, value in submission.attributes}
        return [{**attributes, "datacontenttype": submission.content_type, "data": body}]
    return body if submission.how == "cloudevents-batch" else [body]


def patients_of(resource: Json) -> set[str]:
    """Medical record numbers of those whom an AuditEvent or CloudEvent is about."""
    if "specversion" in resource:
        return patients_of(resource["data"])
    named = [resource["patient"]] if "patient" in resource else []
    for entity in resource.get("entity", []):
        role = entity.get("role", {})
        codings = role.get("coding", [role])
        if any(coding.get("code") == "1" for coding in codings):
            named.append(entity["what"])
    return {reference["identifier"]["value"] for reference in named}


def strings(value: object) -> Iterator[str]:
    """Every string inside, member names left aside."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for member in value.values():
            yield from strings(member)
    elif isinstance(value, list):
        for item in value:
            yield from strings(item)


def codes_in(resource: object) -> set[str]:
    """Every code of every Coding inside."""
    if isinstance(resource, dict):
        own = {resource["code"]} if isinstance(resource.get("code"), str) else set()
        return own.union(*(codes_in(member) for member in resource.values()))
    if isinstance(resource, list):
        return set().union(*(codes_in(item) for item in resource))
    return set()
