"""JSON to the arguments of a method, strictly. Errors never repeat a value or an unknown name."""

from __future__ import annotations

import argparse
import json
from typing import TYPE_CHECKING, Any, Final

from sikoia_async import Entity
from sikoia_async._export.dicts import MASK
from sikoia_async.cli.api.types import day, known
from sikoia_async.cli.api.values import models_in
from sikoia_async.cli.kinds import is_list, is_object
from sikoia_async.cli.parser import nearest
from sikoia_async.errors import ArgumentError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sikoia_async.cli.api.signatures import Method, Parameter

__all__ = ["arguments_of"]

_LONGEST: Final = 100_000
"""How many characters the JSON of all arguments may have."""
_TYPES: Final[Mapping[str, tuple[tuple[type, ...], str]]] = {
    "choice": ((str,), "a string"),
    "day": ((str,), "a date such as 1980-12-31"),
    "flag": ((bool,), "true or false"),
    "id": ((str,), "an id, as a string"),
    "integer": ((int,), "a whole number"),
    "number": ((int, float), "a number"),
    "text": ((str,), "a string"),
}
"""The types that JSON has for each kind of parameter; true is not a number."""


def arguments_of(method: Method, given: Mapping[str, Any]) -> tuple[list[Any], dict[str, Any]]:
    """Return the arguments of a method, by position and by name.

    Args:
        method: the method.
        given: the JSON of each argument; null is the same as leaving it out.

    Raises:
        ArgumentError: an argument is missing, unknown or invalid. It is named, if it is known.
    """
    _validate_whole(given)
    parameters = {one.name: one for one in method.parameters}
    for name in given:
        if name not in parameters:
            expected = f"; expected {', '.join(parameters) or 'no arguments'}"
            msg = f"arguments: unknown name{nearest(name, parameters) or expected}"
            raise ArgumentError(msg)
    positional, named = list[Any](), dict[str, Any]()
    for parameter in method.parameters:
        value = given.get(parameter.name)
        if value is None:
            if parameter.is_required:
                msg = f"{parameter.name}: missing; describe_operation has the schema"
                raise ArgumentError(msg)
            continue
        read = _read(parameter, value)
        if parameter.is_subject:
            positional.append(read)
        else:
            named[parameter.name] = read
    return positional, named


def _validate_whole(given: Mapping[str, Any]) -> None:
    text = json.dumps(given)
    if len(text) > _LONGEST:
        msg = f"arguments: expected at most {_LONGEST:,} characters of JSON"
        raise ArgumentError(msg)
    if json.dumps(MASK) in text:
        msg = f"arguments: {MASK} stands for personal data that is masked; leave the argument out"
        raise ArgumentError(msg)


def _read(parameter: Parameter, value: Any) -> Any:
    """Return the value of a parameter."""
    if parameter.model is not None:
        return models_in(parameter.name, value, parameter.model)
    if not parameter.is_list:
        return _read_one(parameter, value)
    if not is_list(value):
        msg = f"{parameter.name}: expected a list"
        raise ArgumentError(msg)
    return [_read_one(parameter, one) for one in value]


def _read_one(parameter: Parameter, value: Any) -> Any:
    if parameter.kind == "entity":
        return _entity(parameter.name, value)
    kinds, expected = _TYPES[parameter.kind]
    if type(value) not in kinds:
        msg = f"{parameter.name}: expected {expected}"
        raise ArgumentError(msg)
    try:
        if parameter.kind == "choice":
            return known(parameter.values, is_open=parameter.is_open)(value)
        return day(value) if parameter.kind == "day" else value
    except argparse.ArgumentTypeError as error:
        problem = str(error)
    msg = f"{parameter.name}: {problem}"
    raise ArgumentError(msg)


def _entity(name: str, value: Any) -> Entity:
    if not is_object(value) or value.keys() != {"type", "id"}:
        msg = f'{name}: expected an object such as {{"type": "case", "id": "..."}}'
        raise ArgumentError(msg)
    return Entity(value["type"], value["id"])
