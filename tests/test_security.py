"""SECURITY.md: the tests that it names exist, and the minimum versions are enforced."""

import ast
import re
import tomllib
from functools import cache
from importlib.metadata import requires, version
from pathlib import Path
from typing import Any, Final

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

ROOT: Final = Path(__file__).parents[1]
TEXT: Final = (ROOT / "SECURITY.md").read_text("utf-8")


def _section(title: str) -> str:
    return TEXT.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def _rows(title: str) -> list[list[str]]:
    """Return the cells of a section's table."""
    lines = [line for line in _section(title).splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


PROMISES: Final = _rows("What this SDK does")
FLOORS: Final = {name: Version(floor) for name, floor, _ in _rows("Minimum versions")}


@cache
def _tests(file: str) -> frozenset[str]:
    """Return the names of the tests in a file; none if the file does not exist."""
    path = ROOT / file
    tree = ast.parse(path.read_text("utf-8") if path.exists() else "")
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    return frozenset(node.name for node in tree.body if isinstance(node, kinds))


def _least(requirements: list[str]) -> dict[str, Version]:
    """Return the lowest version that the requirements allow, by package."""
    parsed = [Requirement(one) for one in requirements]
    return {
        one.name: Version(bound.version)
        for one in parsed
        for bound in one.specifier
        if bound.operator in {">=", "=="} and not bound.version.endswith("*")
    }


def _project() -> dict[str, Any]:
    project: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    return project


def test_every_promise_names_a_test() -> None:
    """A promise without a test is worth nothing."""
    assert len(PROMISES) >= 15
    for promise, held in PROMISES:
        assert re.findall(r"`tests/[a-z_/]+\.py(?:::[a-z_0-9]+)?`", held), promise


@pytest.mark.parametrize("promise", [promise for promise, _ in PROMISES])
def test_the_tests_of_a_promise_exist(promise: str) -> None:
    """A test that is renamed or deleted breaks its promise."""
    (held,) = (held for one, held in PROMISES if one == promise)
    for file, _, test in (name.partition("::") for name in re.findall(r"`(.*?)`", held)):
        assert _tests(file), f"{file} has no tests"
        assert not test or test in _tests(file), f"{test} is not in {file}"


def test_no_vulnerable_version_is_allowed() -> None:
    """Our requirements, and those of our dependencies, exclude vulnerable versions."""
    project = _project()
    own = _least([*project["dependencies"], *project["optional-dependencies"]["sandbox"]])
    # httpcore requires h11, from our own minimum version on.
    allowed = _least(requires("httpcore") or []) | own

    for name, floor in FLOORS.items():
        assert name in allowed, f"{name} has no minimum version"
        assert allowed[name] >= floor, f"{name} may be {allowed[name]}"


def test_the_lowest_tested_versions_are_not_vulnerable() -> None:
    """The gate tests the lowest versions in an environment that users may have."""
    lines = (ROOT / ".ci" / "lowest.txt").read_text("utf-8").splitlines()
    lowest = _least([line for line in lines if "==" in line])

    for name, floor in FLOORS.items():
        assert name in lowest, f"{name} is not in .ci/lowest.txt"
        assert lowest[name] >= floor, f"{name} is {lowest[name]}"


@pytest.mark.parametrize("name", sorted(FLOORS))
def test_the_installed_version_is_not_vulnerable(name: str) -> None:
    """These tests run on a version that users may have."""
    assert Version(version(name)) >= FLOORS[name]


def test_dependencies_have_an_upper_bound() -> None:
    """A new major version is adopted on purpose; the versions of certifi are dates."""
    for one in _project()["dependencies"]:
        assert "<" in one or one.startswith("certifi"), one
