"""The reference as Markdown: signatures, docstrings, fields and values."""

from __future__ import annotations

import ast
import inspect
import re
from typing import TYPE_CHECKING, Final

from sikoia_async.cli.docs.source import (
    Definition,
    documented,
    exported,
    find,
    name_of,
    names_in,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["describe", "inherited"]

_EVERY_MODEL: Final = "sikoia_async.models.Model"
_PROPERTIES: Final = frozenset({"property", "cached_property"})
_Function = ast.FunctionDef | ast.AsyncFunctionDef


def describe(name: str, level: int, *, include: Callable[[str], bool] | None = None) -> str:
    """Return the reference of a name as Markdown.

    Args:
        name: a dotted name; of a module, what its `__all__` lists is described.
        level: of the headings.
        include: Returns whether to describe a name of the module, or a method of the class.

    Raises:
        LookupError: the package does not define the name.
    """
    found = find(name)
    shown = include or _every_name
    if isinstance(found.node, ast.Module):
        names = [one for one in exported(found) if shown(one)]
        return "\n\n".join(describe(f"{name}.{one}", level) for one in names)
    return "\n\n".join(part for part in _parts(name, found, level, shown) if part)


def _every_name(_name: str) -> bool:
    return True


def inherited(definition: Definition) -> dict[str, tuple[ast.AnnAssign, str]]:
    """Return the fields that a class has from its bases, with their docstrings.

    Those of every model and every error are left out.
    """
    fields = dict[str, tuple[ast.AnnAssign, str]]()
    for base in definition.node.bases if isinstance(definition.node, ast.ClassDef) else ():
        found = _base(definition.module, base)
        if found is not None:
            fields |= inherited(found) | {name_of(one): (one, doc) for one, doc in _fields(found)}
    return fields


def _base(module: str, base: ast.expr) -> Definition | None:
    try:
        found = find(f"{module}.{names_in(base)[0]}")
    except LookupError:  # of another package
        return None
    is_exception = found.name.endswith("Error")  # its page shows the tree
    return None if found.name == _EVERY_MODEL or is_exception else found


def _parts(name: str, found: Definition, level: int, shown: Callable[[str], bool]) -> Iterator[str]:
    node = found.node
    yield f"{'#' * level} {name.rpartition('.')[2]}"
    if isinstance(node, ast.ClassDef):
        yield _code(_class_line(node))
        yield found.doc
        yield "\n".join(_field_list(found))
        for one, doc in documented(node.body):
            if isinstance(one, _Function) and shown(one.name) and _is_method(one):
                yield f"{'#' * (level + 1)} {one.name}"
                yield _code(_signature(one))
                yield doc
    elif isinstance(node, _Function):
        yield _code(_signature(node))
        yield found.doc
    else:
        yield _code(_value(node))
        yield inspect.cleandoc(found.doc)


def _field_list(found: Definition) -> Iterator[str]:
    """Yield a line for each field and property of a class."""
    for one, doc in (*inherited(found).values(), *_fields(found)):
        yield _item(name_of(one), one.annotation, doc)
    for node, doc in documented(found.body):
        if isinstance(node, _Function) and _is_property(node):
            yield _item(node.name, node.returns, doc)


def _fields(found: Definition) -> Iterator[tuple[ast.AnnAssign, str]]:
    for node, doc in documented(found.body):
        if isinstance(node, ast.AnnAssign) and not name_of(node).startswith("_"):
            yield node, doc


def _item(name: str, annotation: ast.expr | None, doc: str) -> str:
    kind = f": {ast.unparse(annotation)}" if annotation else ""
    return f"- `{name}{kind}` {' '.join(doc.split())}".rstrip()


def _is_property(node: _Function) -> bool:
    return any(ast.unparse(one) in _PROPERTIES for one in node.decorator_list) and _is_public(node)


def _is_method(node: _Function) -> bool:
    setter = any(ast.unparse(one).endswith((".setter", "overload")) for one in node.decorator_list)
    return _is_public(node) and not setter and not _is_property(node)


def _is_public(node: _Function) -> bool:
    return not node.name.startswith("_")


def _class_line(node: ast.ClassDef) -> str:
    """Return how a class is called, if it has a constructor of its own, or else its bases."""
    for one in node.body:
        if isinstance(one, _Function) and one.name == "__init__":
            return f"class {node.name}({_arguments(one)})"
    bases = ", ".join(map(ast.unparse, node.bases))
    return f"class {node.name}({bases})" if bases else f"class {node.name}"


def _signature(node: _Function) -> str:
    word = "async def" if isinstance(node, ast.AsyncFunctionDef) else "def"
    returns = f" -> {ast.unparse(node.returns)}" if node.returns else ""
    return f"{word} {node.name}({_arguments(node)}){returns}"


def _arguments(node: _Function) -> str:
    return re.sub(r"^(?:self|cls)(?:, /(?=,|$))?(?:, |$)", "", ast.unparse(node.args))


def _value(node: ast.AST) -> str:
    """Return a value as its source has it, but a table by its name and type only."""
    if isinstance(node, ast.AnnAssign) and isinstance(node.value, ast.Dict):
        return f"{ast.unparse(node.target)}: {ast.unparse(node.annotation)}"
    return ast.unparse(node)


def _code(text: str) -> str:
    return f"```python\n{text}\n```"
