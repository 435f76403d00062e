"""The import graph of the package; `python tests/import_graph.py` prints its counts.

It includes every import: at run time, inside functions, and for type checkers only.
"""

import ast
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

PACKAGE: Final = "sikoia_async"
ROOT: Final = Path(__file__).resolve().parents[1] / PACKAGE

# A module imports from its own folder and from lower rows only.
LAYERS: Final = (
    ("__main__",),
    ("cli",),
    ("testing",),
    ("sandbox",),
    ("integrations",),
    ("__init__",),
    ("errors", "types"),
    ("_client",),
    ("batch",),
    ("resources",),
    ("webhooks",),
    ("_calls",),
    ("_hooks", "_files"),
    ("_auth",),
    ("_retry",),
    ("operations",),
    ("_codec",),
    ("models",),
    ("_export",),
    ("_schema",),
    ("_rate_limit",),
    ("stores",),
    ("_transport",),
    ("environments",),
    ("_settings",),
    ("observers",),
    ("_logging", "_single_flight", "_validation"),
    ("_errors", "_version"),
)
SANDBOX_LAYERS: Final = (
    ("__init__",),
    ("server",),
    ("inspector", "saver"),
    ("app",),
    ("settings", "work"),
    ("jobs", "scenario_files", "deliveries", "ledger"),
    ("faults",),
    ("middleware", "resources"),
    ("state", "state_folder", "loopback"),
    ("progress", "users"),
    ("scenarios",),
    ("store",),
    ("clock", "errors", "event_loop", "timestamps"),
    ("snapshot", "validation"),
)
"""The layers inside the local Sikoia."""


def modules(root: Path = ROOT) -> dict[str, Path]:
    """Return the files of all modules, by their name inside the package."""
    return {_name(path, root): path for path in sorted(root.rglob("*.py"))}


def graph(root: Path = ROOT) -> dict[str, set[str]]:
    """Return the modules that each module imports."""
    files = modules(root)
    return {name: set(_imported(path, root, files)) - {name} for name, path in files.items()}


def circles(arrows: Mapping[str, set[str]]) -> list[list[str]]:
    """Return the strongly connected components of more than one module, by Tarjan's algorithm."""
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    result: list[list[str]] = []

    def visit(name: str) -> None:
        index[name] = low[name] = len(index)
        stack.append(name)
        for other in sorted(arrows.get(name, ())):
            if other not in index:
                visit(other)
                low[name] = min(low[name], low[other])
            elif other in stack:
                low[name] = min(low[name], index[other])
        if low[name] == index[name]:
            at = stack.index(name)
            if len(stack) - at > 1:
                result.append(sorted(stack[at:]))
            del stack[at:]

    for name in sorted(arrows):
        if name not in index:
            visit(name)
    return result


def upward(arrows: Mapping[str, set[str]]) -> list[tuple[str, str]]:
    """Return the imports that point to another entry of the same row, or to a higher row."""
    sandbox = {
        name: {other for other in others if folder(other) == "sandbox"}
        for name, others in arrows.items()
        if folder(name) == "sandbox"
    }
    return [*_upward(arrows, LAYERS, folder), *_upward(sandbox, SANDBOX_LAYERS, _sandbox_folder)]


def _upward(
    arrows: Mapping[str, set[str]],
    layers: Sequence[Sequence[str]],
    entry: Callable[[str], str],
) -> list[tuple[str, str]]:
    rank = {name: row for row, names in enumerate(layers) for name in names}
    return [
        (name, other)
        for name, others in sorted(arrows.items())
        for other in sorted(others)
        if entry(name) != entry(other) and rank[entry(other)] <= rank[entry(name)]
    ]


def folder(name: str) -> str:
    """Return the entry of the package root that a module belongs to: a folder or a module."""
    return name.partition(".")[0]


def _sandbox_folder(name: str) -> str:
    """Return the same for a module of the sandbox, inside the sandbox."""
    return folder(name.partition(".")[2]) or "__init__"


def _name(path: Path, root: Path) -> str:
    parts = path.relative_to(root).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" and len(parts) > 1 else parts)


def _imported(path: Path, root: Path, files: Mapping[str, Path]) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (_inside(alias.name) for alias in node.names if _is_inside(alias.name))
        elif isinstance(node, ast.ImportFrom) and _is_inside(source := _absolute(node, path, root)):
            package = _inside(source)
            for alias in node.names:
                full = f"{package}.{alias.name}".removeprefix("__init__.")
                yield full if full in files else package


def _absolute(node: ast.ImportFrom, path: Path, root: Path) -> str:
    if not node.level:
        return node.module or ""
    package = path.relative_to(root.parent).parts[: -node.level]
    return ".".join([*package, *filter(None, [node.module])])


def _is_inside(module: str) -> bool:
    return module.partition(".")[0] == PACKAGE


def _inside(module: str) -> str:
    return module.partition(".")[2] or "__init__"


def main() -> None:
    """Print the counts, and exit with 1 if an import points up or in a circle."""
    arrows = graph()
    print(f"modules  {len(arrows)}")
    print(f"imports  {sum(map(len, arrows.values()))}")
    print(f"upward   {len(up := upward(arrows))}")
    print(f"circles  {len(loops := circles(arrows))}")
    for name, other in up:
        print(f"  {name} imports {other}")
    for loop in loops:
        print(f"  {' - '.join(loop)}")
    sys.exit(bool(up or loops))


if __name__ == "__main__":
    main()
