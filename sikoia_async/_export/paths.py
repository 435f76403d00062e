"""Selects fields by path: `case_id`, `persons.first_name`, through lists and nested models."""

from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from typing import Any, Final, Optional, cast

from sikoia_async._errors import ArgumentError, ArgumentTypeError
from sikoia_async._schema import shapes
from sikoia_async._schema.shapes import Shape, shape_of

__all__ = ["Tree", "known_paths", "lists_in", "nearest", "object_in", "tree_of"]

Tree = dict[str, Optional["Tree"]]
"""The fields selected of an object, by name. None stands for all that is in a field."""


def tree_of(name: str, paths: str | Iterable[str] | None, shape: Shape | None) -> Tree | None:
    """Return the fields that paths select, or None without paths.

    Args:
        name: the name of the argument.
        paths: one path, or several.
        shape: what the paths lead into; None if that is not known, which allows any path.

    Raises:
        ArgumentTypeError: the paths are not strings.
        ArgumentError: a path does not lead to a field. The error names the nearest that does.
    """
    if paths is None:
        return None
    tree: Tree = {}
    for path in _strings(name, paths):
        steps = path.split(".")
        if shape is not None and not _leads_to_a_field(steps, shape):
            raise ArgumentError(_unknown(name, path, shape))
        _add(tree, steps)
    return tree


def known_paths(shape: Shape, above: tuple[Shape, ...] = ()) -> Iterator[str]:
    """Yield the paths of all fields. A model inside itself is not followed."""
    found = object_in(shape)
    if found is None or found in above:
        return
    for field in found.fields:
        yield field.name
        yield from (f"{field.name}.{path}" for path in known_paths(field.shape, (*above, found)))


def lists_in(kind: Any) -> dict[str, shapes.Object]:
    """Return the fields of a model that are lists of models, by name, and what is in them."""
    fields = cast("shapes.Object", shape_of(kind)).fields
    options = ((field.name, shapes.options(field.shape)[0]) for field in fields)
    return {
        name: option.item
        for name, option in options
        if isinstance(option, shapes.ListOf) and isinstance(option.item, shapes.Object)
    }


def object_in(shape: Shape) -> shapes.Object | None:
    """Return the object that a shape is, or is a list of; None if it has no fields."""
    for option in shapes.options(shape):
        if isinstance(option, shapes.Object):
            return option
        if isinstance(option, shapes.ListOf):
            return object_in(option.item)
    return None


def nearest(path: str, known: list[str]) -> str:
    """Return the end of a message, which names the known path that is most like another."""
    found = get_close_matches(path[:_LONGEST], known, n=1, cutoff=0)
    return f"; did you mean {found[0]!r}?" if found else ""


def _strings(name: str, paths: Any) -> list[str]:
    listed: Any = [paths] if isinstance(paths, str) else paths
    try:
        found: list[Any] = list(listed)
    except TypeError:
        found = [None]
    if not all(isinstance(path, str) for path in found):
        msg = f"{name}: expected the path of a field, such as 'persons.first_name', or several"
        raise ArgumentTypeError(msg)
    return found


def _leads_to_a_field(steps: list[str], shape: Shape) -> bool:
    for step in steps:
        found = object_in(shape)
        field = next((one for one in found.fields if one.name == step), None) if found else None
        if field is None:
            return False
        shape = field.shape
    return True


def _unknown(name: str, path: str, shape: Shape) -> str:
    """Return the message about a path, which it does not repeat: it may be a user's input."""
    hint = nearest(path, list(known_paths(shape)))
    found = object_in(shape)
    return f"{name}: a path is not a field of {found.name if found else 'these items'}{hint}"


def _add(tree: Tree, steps: list[str]) -> None:
    """Add a path. One that selects a whole field wins over those of the fields in it."""
    for step in steps[:-1]:
        inner = tree.setdefault(step, {})
        if inner is None:
            return
        tree = inner
    tree[steps[-1]] = None


_LONGEST: Final = 200
