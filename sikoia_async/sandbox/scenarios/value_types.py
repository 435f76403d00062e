"""Checks values against type annotations, for input that no type checker sees."""

import types
from collections.abc import Iterator, Mapping
from typing import Any, Literal, TypeGuard, Union, get_args, get_origin

__all__ = ["describe_type", "is_of_type"]

_DESCRIPTIONS: dict[Any, str] = {
    bool: "true or false",
    bytes: "a string",
    float: "a number",
    int: "a whole number",
    str: "a string",
}


def is_of_type(annotation: Any, value: object) -> bool:
    """Return whether a value has a type such as `int | None`, a `Literal` or a `Mapping`."""
    if get_origin(annotation) is Literal:
        return isinstance(value, str) and value in get_args(annotation)
    if get_origin(annotation) in {Union, types.UnionType}:
        return any(is_of_type(one, value) for one in get_args(annotation))
    if get_origin(annotation) is Mapping:
        of_key, of_value = get_args(annotation)
        return _is_dict(value) and all(
            is_of_type(of_key, name) and is_of_type(of_value, one) for name, one in value.items()
        )
    # In Python, True is an int; in type checking, an int is a float.
    if isinstance(value, bool):
        return annotation is bool
    return isinstance(value, (int, float) if annotation is float else annotation)


def describe_type(annotation: Any) -> str:
    """Return a type in words, for messages: `a whole number`."""
    return " or ".join(dict.fromkeys(_descriptions(annotation)))


def _is_dict(value: object) -> TypeGuard[dict[Any, Any]]:
    return isinstance(value, dict)


def _descriptions(annotation: Any) -> Iterator[str]:
    if get_origin(annotation) is Literal:
        yield f"one of {', '.join(map(repr, get_args(annotation)))}"
    elif get_origin(annotation) in {Union, types.UnionType}:
        for one in get_args(annotation):
            yield from _descriptions(one)
    elif get_origin(annotation) is Mapping:
        yield f"a table whose values are each {describe_type(get_args(annotation)[1])}"
    elif annotation is not types.NoneType:
        yield _DESCRIPTIONS[annotation]
