"""Elements of a decoded resource. What names people must have its shape; codes need not."""

from audit_ledger.events.json_document import JsonObject
from audit_ledger.events.rejected import RejectedEvent

Code = tuple[str, str]  # (system, code), system "" where absent


def object_in(parent: JsonObject, name: str, place: str) -> JsonObject | None:
    """Give an element that must be an object where present."""
    value = parent.get(name)
    if value is not None and type(value) is not dict:
        raise RejectedEvent(422, "structure", f"{place}.{name}", "an object")
    return value


def objects_in(parent: JsonObject, name: str, place: str) -> list[JsonObject]:
    """Give an element that must be a list of objects where present."""
    value = parent.get(name)
    if value is None:
        return []
    if type(value) is not list:
        raise RejectedEvent(422, "structure", f"{place}.{name}", "a list of objects")
    for index, item in enumerate(value):
        if type(item) is not dict:
            raise RejectedEvent(422, "structure", f"{place}.{name}[{index}]", "an object")
    return value


def text_in(parent: JsonObject, name: str, place: str) -> str | None:
    """Give an element that must be a string where present."""
    value = parent.get(name)
    if value is not None and type(value) is not str:
        raise RejectedEvent(422, "structure", f"{place}.{name}", "a string")
    return value


def codes_in(parent: JsonObject, name: str) -> list[Code]:
    """Give the codes of an element that is a Coding (R4), CodeableConcept (R5), or a list of such.

    What is none of these has no codes: senders mix the versions up here, and nobody is named.
    """
    codes: list[Code] = []
    waiting = [parent.get(name)]
    for value in waiting:
        if type(value) is dict:
            if type(code := value.get("code")) is str:
                system = value.get("system")
                codes.append((system if type(system) is str else "", code))
            if "coding" in value:
                waiting.append(value["coding"])
        elif type(value) is list:
            waiting += value
    return codes
