"""Imports point down only: what a module builds on stands below it."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1] / "sikoia_async"

# From top to bottom. A module imports from lower rows only; a new one needs a row.
LAYERS = (
    ("__main__",),
    ("_demo",),
    ("__init__",),
    ("_client",),
    ("_feed", "_links", "_resume"),
    ("_settings", "resources.checks"),
    (
        "resources",
        "resources.affordability",
        "resources.banking",
        "resources.cases",
        "resources.company_registry",
        "resources.credit_reports",
        "resources.data_sources",
        "resources.identity",
        "resources.income",
        "resources.online_data",
        "resources.reports",
        "resources.screening",
        "resources.users",
        "resources.webhooks",
    ),
    ("resources.credit_reports.requests", "resources.documents"),
    ("resources.credit_reports.report", "resources.income.details"),
    (
        "resources.credit_reports.financials",
        "resources.credit_reports.people",
        "resources.credit_reports.ratings",
        "resources.income.reports",
        "resources.income.tax",
    ),
    ("resources._picklists", "resources._sent"),
    ("_transport",),
    ("_call", "_pages", "_router", "_sinks", "_upload"),
    ("_hooks", "_hooks.auth", "_hooks.correlation", "_credentials", "_once"),
    (
        "_decoder",
        "_attempts",
        "_guard",
        "_keys",
        "_paths",
        "_quota",
        "_replay",
        "_spend",
        "operations",
        "_token",
    ),
    (
        "_board",
        "_budget",
        "_converter",
        "_flight",
        "_retry",
        "_secrets",
        "_stats",
        "_turns",
        "events",
    ),
    ("_json", "_exchange", "_home", "_workbook"),
    ("_drift", "_finite", "_inflate", "_leftovers", "_payload", "_quiet", "_timing"),
    ("_compare", "_entities", "_interval", "_line", "_seal"),
    ("models", "signing"),
    ("environments", "_checks", "_logs", "_wording"),
    ("errors", "_version"),
)
RANK = {module: len(LAYERS) - row for row, modules in enumerate(LAYERS) for module in modules}
# Imports that do not point down, and why.
EXCEPTIONS = {
    ("errors", "operations"): "for type checkers only: an error holds the operation to wait on",
    ("errors", "events"): "for type checkers only: an error holds the event that was not handled",
    ("_json", "_converter"): "at call time: cattrs is loaded when msgspec refuses, and reads JSON",
}
OUTSIDE = ("sandbox", "testing", "__main__", "_demo")


def name_of(path: Path) -> str:
    """Return a module's name without the package's."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" and len(parts) > 1 else parts)


MODULES = {name_of(path): path for path in sorted(ROOT.rglob("*.py"))}
SDK = [name for name in MODULES if name.split(".")[0] not in OUTSIDE]


def imported(path: Path) -> Iterator[str]:
    """Yield the modules of this package that a file imports, anywhere in it."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (inside(alias.name) for alias in node.names if is_ours(alias.name))
        elif isinstance(node, ast.ImportFrom) and is_ours(source := absolute(node, path)):
            package = inside(source)
            for alias in node.names:
                full = f"{package}.{alias.name}".removeprefix("__init__.")
                yield full if full in MODULES else package


def absolute(node: ast.ImportFrom, path: Path) -> str:
    """Return the full name of the module that names are imported from."""
    if not node.level:
        return node.module or ""
    package = path.relative_to(ROOT.parent).parts[: -node.level]
    return ".".join([*package, *filter(None, [node.module])])


def is_ours(module: str) -> bool:
    """Tell whether a module is of this package."""
    return module.split(".", maxsplit=1)[0] == ROOT.name


def inside(module: str) -> str:
    """Return the name within the package."""
    return module.partition(".")[2] or "__init__"


def test_every_module_has_a_layer() -> None:
    """A new module is put into the table, and one that has gone is taken out."""
    modules = {name for name in MODULES if name.split(".")[0] not in {"sandbox", "testing"}}

    assert modules - RANK.keys() == set(), "give these modules a row in LAYERS"
    assert RANK.keys() - modules == set(), "these modules of LAYERS are gone"


@pytest.mark.parametrize("module", SDK)
def test_imports_point_down(module: str) -> None:
    """No module imports from its own row or above, not even for type checkers."""
    upward = {
        other
        for other in imported(MODULES[module])
        if RANK.get(other, 99) >= RANK.get(module, 0) and (module, other) not in EXCEPTIONS
    }

    assert upward == set(), f"{module} imports from its own layer or above"


def test_exceptions_are_needed() -> None:
    """An exception whose import has gone is gone, too."""
    assert [pair for pair in EXCEPTIONS if pair[1] not in imported(MODULES[pair[0]])] == []


@pytest.mark.parametrize("module", SDK)
def test_nothing_needs_the_sandbox(module: str) -> None:
    """The SDK runs without the local Sikoia and the command line."""
    assert [one for one in imported(MODULES[module]) if one.split(".")[0] in OUTSIDE] == []


@pytest.mark.parametrize("module", [name for name in MODULES if name.startswith("sandbox")])
def test_the_sandbox_knows_nothing_of_the_sdk(module: str) -> None:
    """The local Sikoia shares no code with the SDK, so that the two do not err alike."""
    assert [one for one in imported(MODULES[module]) if one.split(".")[0] != "sandbox"] == []
