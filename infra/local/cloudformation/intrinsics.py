"""CloudFormation's intrinsic functions, over the values of one stack.

Source: AWS CloudFormation template reference, "Intrinsic functions" and "Conditions".
"""

import base64
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from audit_ledger.errors import FormatError

NO_VALUE: Final = object()
"""The value of `{"Ref": "AWS::NoValue"}`: the property that contains it is left out."""

_PLACE = re.compile(r"\$\{([^}]+)\}")


@dataclass
class Scope:
    """What names mean in one stack; `references` and `attributes` grow as resources are made."""

    references: dict[str, Any]
    exports: Mapping[str, Any]
    mappings: Mapping[str, Any] = field(default_factory=dict)
    conditions: Mapping[str, Any] = field(default_factory=dict)
    attributes: dict[str, Mapping[str, Any]] = field(default_factory=dict)

    def reference(self, name: str) -> Any:
        """Return the value of a parameter, pseudo parameter or resource."""
        if name == "AWS::NoValue":
            return NO_VALUE
        if name not in self.references:
            raise FormatError(f"template: Ref to {name}, which does not exist")
        return self.references[name]

    def attribute(self, resource: str, name: str) -> Any:
        """Return a resource's attribute; FormatError where the resource does not have it."""
        if name not in self.attributes.get(resource, {}):
            raise FormatError(f"template: Fn::GetAtt {resource}.{name}: no such attribute here")
        return self.attributes[resource][name]

    def condition(self, name: str) -> bool:
        """Evaluate a named condition."""
        if name not in self.conditions:
            raise FormatError(f"template: condition {name} does not exist")
        return bool(resolve(self.conditions[name], self))


def resolve(value: Any, scope: Scope) -> Any:
    """Return a template value with every intrinsic function computed.

    Raises FormatError on a function that is not supported or a name that is not there.
    """
    if isinstance(value, list):
        return [item for item in (resolve(v, scope) for v in value) if item is not NO_VALUE]
    if not isinstance(value, dict):
        return value
    if len(value) == 1:
        ((name, argument),) = value.items()
        if name == "Ref":
            return scope.reference(argument)
        if name == "Condition" and isinstance(argument, str):
            return scope.condition(argument)
        if name.startswith("Fn::"):
            if name not in _FUNCTIONS:
                raise FormatError(f"template: {name} is not supported")
            return _FUNCTIONS[name](argument, scope)
    resolved = ((k, resolve(v, scope)) for k, v in value.items())
    return {k: v for k, v in resolved if v is not NO_VALUE}


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
                yield from _sub_names(item)
            else:
                yield from names_in(item)


def _get_att_parts(argument: Any) -> tuple[str, Any]:
    if isinstance(argument, str):
        resource, _, attribute = argument.partition(".")
        return resource, attribute
    resource, attribute = argument
    return str(resource), attribute


def _sub_names(argument: Any) -> Iterator[str]:
    template, variables = argument if isinstance(argument, list) else (argument, {})
    yield from names_in(list(variables.values()))
    for name in _PLACE.findall(template):
        if not name.startswith("!") and name not in variables:
            yield name.partition(".")[0]


def _get_att(argument: Any, scope: Scope) -> Any:
    resource, attribute = _get_att_parts(argument)
    return scope.attribute(resource, resolve(attribute, scope))


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
    template, variables = argument if isinstance(argument, list) else (argument, {})

    def value(place: re.Match[str]) -> str:
        name = place[1]
        if name.startswith("!"):
            return f"${{{name[1:]}}}"
        if name in variables:
            return str(resolve(variables[name], scope))
        if "." in name:
            return str(scope.attribute(*name.split(".", 1)))
        return str(scope.reference(name))

    return _PLACE.sub(value, template)


def _import_value(argument: Any, scope: Scope) -> Any:
    name = resolve(argument, scope)
    if name not in scope.exports:
        raise FormatError(f"template: no stack exports {name}")
    return scope.exports[name]


def _find_in_map(argument: Any, scope: Scope) -> Any:
    name, first, second = resolve(argument, scope)
    return scope.mappings[name][first][second]


def _if(argument: Any, scope: Scope) -> Any:
    condition, then, otherwise = argument
    return resolve(then if scope.condition(condition) else otherwise, scope)


def _equals(argument: Any, scope: Scope) -> bool:
    left, right = resolve(argument, scope)
    return str(left) == str(right)


def _base64(argument: Any, scope: Scope) -> str:
    return base64.b64encode(str(resolve(argument, scope)).encode()).decode()


def _zones(argument: Any, scope: Scope) -> list[str]:
    region = resolve(argument, scope) or scope.reference("AWS::Region")
    return [f"{region}{letter}" for letter in "abc"]


_FUNCTIONS: dict[str, Callable[[Any, Scope], Any]] = {
    "Fn::And": lambda argument, scope: all(resolve(argument, scope)),
    "Fn::Base64": _base64,
    "Fn::Contains": lambda argument, scope: resolve(argument[1], scope) in argument[0],
    "Fn::Equals": _equals,
    "Fn::FindInMap": _find_in_map,
    "Fn::GetAZs": _zones,
    "Fn::GetAtt": _get_att,
    "Fn::If": _if,
    "Fn::ImportValue": _import_value,
    "Fn::Join": _join,
    "Fn::Not": lambda argument, scope: not resolve(argument[0], scope),
    "Fn::Or": lambda argument, scope: any(resolve(argument, scope)),
    "Fn::Select": _select,
    "Fn::Split": _split,
    "Fn::Sub": _sub,
}
