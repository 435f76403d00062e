"""The models and values of a resource: the sections that its page ends with."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING, Final

from sikoia_async.cli.docs.reference import inherited
from sikoia_async.cli.docs.source import Definition, exported, find, names_in

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

__all__ = ["with_models"]

_RESOURCE: Final = re.compile(r"^::: (sikoia_async\.resources\.\w+)\.(\w+)$", re.MULTILINE)
_BLOCK: Final = """
::: {module}
    options:
      members: [{members}]
      inherited_members: [{inherited}]
      show_root_heading: false
      show_root_toc_entry: false
      {more}
      heading_level: 3
"""
_VALUES: Final = """
## Values

Fields declared as `Open[...]` have one of these values. Sikoia may add more: an unknown value is \
[kept as a string](../models.md).
"""


def with_models(text: str) -> str:
    """Return a page with the models and values of its resource, if it has a resource."""
    found = _RESOURCE.search(text)
    if found is None:
        return text
    module, resource = found.groups()
    members = {name: find(f"{module}.{name}") for name in exported(find(module))}
    classes = {name: one for name, one in members.items() if isinstance(one.node, ast.ClassDef)}
    models = [name for name in _in_order(resource, classes) if name != resource]
    values = [name for name, one in members.items() if _is_values(one)]
    parts = [text.rstrip("\n") + "\n"]
    if models:
        from_bases = dict.fromkeys(name for one in models for name in inherited(classes[one]))
        parts += ["\n## Models\n", _block(module, models, from_bases, "members_order: source")]
    if values:
        parts += [_VALUES, _block(module, values, (), "show_attribute_values: true")]
    return "".join(parts)


def _block(module: str, members: Iterable[str], from_bases: Iterable[str], more: str) -> str:
    return _BLOCK.format(
        module=module, members=", ".join(members), inherited=", ".join(from_bases), more=more
    )


def _is_values(one: Definition) -> bool:
    return isinstance(one.node, ast.Assign) and names_in(one.node.value)[:1] == ["Literal"]


def _in_order(resource: str, classes: Mapping[str, Definition]) -> Iterator[str]:
    """Yield the classes as the methods return them, each before those of its fields."""
    left = dict(classes)
    waiting = [resource, *classes]
    while waiting:
        name = waiting.pop(0)
        one = left.pop(name, None)
        if one is not None:
            yield name
            waiting[:0] = [used for used in _used(one) if used in left]


def _used(one: Definition) -> Iterator[str]:
    """Yield the names in the annotations of a class: results of methods first, then the rest."""
    functions = [
        node for node in one.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    fields = [node for node in one.body if isinstance(node, ast.AnnAssign)]
    for node in functions:
        yield from names_in(node.returns)
    for field in (*(field for field, _doc in inherited(one).values()), *fields):
        yield from names_in(field.annotation)
    for node in functions:
        yield from names_in(node.args)
