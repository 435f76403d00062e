"""Whether a value is of a type, and what to give where it is not: for what types cannot check."""

import types
from collections.abc import Iterator, Mapping
from typing import Any, Literal, TypeGuard, Union, get_args, get_origin

__all__ = ["is_fit", "wording"]

_WORDS: dict[Any, str] = {
    bool: "true or false",
    bytes: "a text",
    float: "a number",
    int: "a whole number",
    str: "a text",
}


def is_fit(kind: Any, value: object) -> bool:
    """Tell whether a value is of a type, such as `int | None`, a `Literal` or a mapping."""
    if get_origin(kind) is Literal:
        return isinstance(value, str) and value in get_args(kind)
    if get_origin(kind) in {Union, types.UnionType}:
        return any(is_fit(one, value) for one in get_args(kind))
    if get_origin(kind) is Mapping:
        of_key, of_value = get_args(kind)
        return _is_table(value) and all(
            is_fit(of_key, name) and is_fit(of_value, one) for name, one in value.items()
        )
    # To Python, True is a whole number, and a whole number is a number.
    if isinstance(value, bool):
        return kind is bool
    return isinstance(value, (int, float) if kind is float else kind)


def wording(kind: Any) -> str:
    """Say what to give for a type."""
    return " or ".join(dict.fromkeys(_words(kind)))


def _is_table(value: object) -> TypeGuard[dict[Any, Any]]:
    return isinstance(value, dict)


def _words(kind: Any) -> Iterator[str]:
    if get_origin(kind) is Literal:
        yield f"one of {', '.join(map(repr, get_args(kind)))}"
    elif get_origin(kind) in {Union, types.UnionType}:
        for one in get_args(kind):
            yield from _words(one)
    elif get_origin(kind) is Mapping:
        yield f"a table whose values are each {wording(get_args(kind)[1])}"
    elif kind is not types.NoneType:
        yield _WORDS[kind]
