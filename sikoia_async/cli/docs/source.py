"""Finds the definitions of this package in its source.

Nothing is imported, so that optional dependencies may be missing.
"""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

import attrs

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["Definition", "documented", "exported", "find", "name_of", "names_in"]

_FOLDER: Final = Path(__file__).parents[3]
_PACKAGE: Final = __name__.partition(".")[0]


@attrs.frozen
class Definition:
    """A module, class, function or value of this package."""

    name: str
    """Its dotted name, where it is defined."""
    node: ast.AST
    doc: str
    """Its docstring; empty if it has none."""

    @property
    def body(self) -> Sequence[ast.stmt]:
        """The statements of a module or class; of anything else, none."""
        return self.node.body if isinstance(self.node, ast.Module | ast.ClassDef) else ()

    @property
    def module(self) -> str:
        """The name of the module of a top-level definition."""
        return self.name.rpartition(".")[0]


def find(name: str) -> Definition:
    """Return a definition by its dotted name, which may lead through imports.

    Raises:
        LookupError: the package does not define it.
    """
    tree = _tree(name)
    if tree is not None:
        return Definition(name, tree, ast.get_docstring(tree) or "")
    owner_name, _, last = name.rpartition(".")
    if not owner_name:
        raise LookupError(name)
    owner = find(owner_name)
    # The last one of several is the implementation of overloads.
    found = [(node, doc) for node, doc in documented(owner.body) if name_of(node) == last]
    if found:
        node, doc = found[-1]
        return Definition(f"{owner.name}.{last}", node, doc)
    for imported in ast.walk(owner.node):
        if isinstance(imported, ast.ImportFrom) and (imported.module or "").startswith(_PACKAGE):
            for one in imported.names:
                if last == (one.asname or one.name):
                    return find(f"{imported.module}.{one.name}")
    raise LookupError(name)


def documented(body: Sequence[ast.stmt]) -> Iterator[tuple[ast.stmt, str]]:
    """Yield statements with their docstrings; the docstring of a value is the next statement."""
    for node, following in zip(body, [*body[1:], ast.Pass()], strict=True):
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            yield node, ast.get_docstring(node) or ""
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            yield node, _text(following)


def exported(module: Definition) -> list[str]:
    """Return the names in `__all__` of a module."""
    (values,) = [
        node.value
        for node in module.body
        if isinstance(node, ast.Assign | ast.AnnAssign)
        and name_of(node) == "__all__"
        and node.value
    ]
    return [str(one) for one in ast.literal_eval(values)]


def name_of(node: ast.stmt) -> str:
    """Return the name that a statement defines; empty if it defines none."""
    match node:
        case ast.ClassDef(name=name) | ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
            return name
        case ast.AnnAssign(target=ast.Name(id=name)) | ast.Assign(targets=[ast.Name(id=name)]):
            return name
        case _:
            return ""


def names_in(node: ast.AST | None) -> list[str]:
    """Return the names in an annotation, in the order of the text."""
    found = [one for one in ast.walk(node) if isinstance(one, ast.Name)] if node else []
    return [one.id for one in sorted(found, key=lambda one: (one.lineno, one.col_offset))]


def _text(node: ast.stmt) -> str:
    match node:
        case ast.Expr(value=ast.Constant(value=str(text))):
            return text
        case _:
            return ""


@cache
def _tree(module: str) -> ast.Module | None:
    path = _FOLDER.joinpath(*module.split("."))
    for file in (path / "__init__.py", path.with_name(f"{path.name}.py")):
        if file.is_file():
            return ast.parse(file.read_text(encoding="utf-8"))
    return None
