"""Kinds of plain values, for type checkers."""

from typing import Any, TypeGuard

from sikoia_async.models import Items

__all__ = ["is_items", "is_list", "is_object"]


def is_list(value: object) -> TypeGuard[list[Any]]:
    """Return whether a value is a JSON array."""
    return isinstance(value, list)


def is_object(value: object) -> TypeGuard[dict[str, Any]]:
    """Return whether a value is a JSON object."""
    return isinstance(value, dict)


def is_items(value: object) -> TypeGuard[Items[Any]]:
    """Return whether a value is a list of models."""
    return isinstance(value, Items)
