"""CloudFormation's intrinsic functions, over the values of one stack.

Source: AWS CloudFormation template reference, "Intrinsic functions". Those that the templates of
this application do not use are refused.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from audit_ledger.errors import FormatError

_VARIABLE = re.compile(r"\$\{([^}]+)\}")


@dataclass
class Scope:
    """Values of names in one stack; `references` and `attributes` grow as resources are created."""

    references: dict[str, Any]
    exports: Mapping[str, Any]
    attributes: dict[str, Mapping[str, Any]] = field(default_factory=dict)

    def reference(self, name: str) -> Any:
        """Return the value of a parameter, pseudo parameter or resource."""
        if name not in self.references:
            raise FormatError(f"template: Ref to {name}, which does not exist")
        return self.references[name]


def resolve(value: Any, scope: Scope) -> Any:
    """Return a template value with every intrinsic function computed.

    Raises FormatError on an unsupported function or an unknown name.
    """
    if isinstance(value, list):
        return [resolve(item, scope) for item in value]
    if not isinstance(value, dict):
        return value
    if len(value) == 1:
        ((name, argument),) = value.items()
        if name == "Ref":
            return scope.reference(argument)
        if name.startswith("Fn::"):
            if name not in _FUNCTIONS:
                raise FormatError(f"template: {name} is not supported")
            return _FUNCTIONS[name](argument, scope)
    return {key: resolve(item, scope) for key, item in value.items()}


def names_in(value: Any) -> Iterator[str]:
    """Return every name that a template value refers to: resources and (pseudo) parameters."""
    if isinstance(value, list):
        for item in value:
            yield from names_in(item)
    elif isinstance(value, dict):
        for key, item in value.items():
            if key == "Ref" and isinstance(item, str):
                yield item
            elif key == "Fn::GetAtt":
                yield _get_att_parts(item)[0]
            elif key == "Fn::Sub":
                yield from _VARIABLE.findall(str(item))
            else:
                yield from names_in(item)


def _get_att_parts(argument: Any) -> tuple[str, str]:
    """Return resource and attribute; raise FormatError for the form of one text."""
    if not isinstance(argument, list) or len(argument) != 2:
        raise FormatError("template: Fn::GetAtt is supported as a list of resource and attribute")
    return argument[0], argument[1]


def _get_att(argument: Any, scope: Scope) -> Any:
    resource, attribute = _get_att_parts(argument)
    if attribute not in scope.attributes.get(resource, {}):
        raise FormatError(f"template: Fn::GetAtt {resource}.{attribute}: no such attribute here")
    return scope.attributes[resource][attribute]


def _join(argument: Any, scope: Scope) -> str:
    delimiter, parts = argument
    return str(delimiter).join(str(part) for part in resolve(parts, scope))


def _split(argument: Any, scope: Scope) -> list[str]:
    delimiter, text = argument
    return str(resolve(text, scope)).split(delimiter)


def _select(argument: Any, scope: Scope) -> Any:
    index, items = resolve(argument, scope)
    return items[int(index)]


def _sub(argument: Any, scope: Scope) -> str:
    if not isinstance(argument, str):
        raise FormatError("template: Fn::Sub with variables of its own is not supported")
    return _VARIABLE.sub(lambda variable: str(scope.reference(variable[1])), argument)


def _import_value(argument: Any, scope: Scope) -> Any:
    name = resolve(argument, scope)
    if name not in scope.exports:
        raise FormatError(f"template: no stack exports {name}")
    return scope.exports[name]


_FUNCTIONS: dict[str, Callable[[Any, Scope], Any]] = {
    "Fn::GetAtt": _get_att,
    "Fn::ImportValue": _import_value,
    "Fn::Join": _join,
    "Fn::Select": _select,
    "Fn::Split": _split,
    "Fn::Sub": _sub,
}
