"""`sikoia operations` and `sikoia wait`."""

import inspect
import json
from importlib import import_module
from typing import Any

import pytest

from sikoia_async._calls.operations import OPERATIONS
from sikoia_async.cli import main as cli
from sikoia_async.cli.operations.listing import LONG_RUNNING


def test_all_operations_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    """With the command, the cost, and whether they begin work."""
    assert cli.main(["operations"]) == 0

    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 71
    assert lines[0].split() == ["(each", "command)", "POST", "/token"]
    assert "income request" in "\n".join(lines)
    (line,) = [one for one in lines if one.startswith("identity request ")]
    assert line.split() == ["identity", "request", "may", "cost", "async", "POST", "/v2/identity"]


def test_chargeable_operations_are_listed_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    """Only those that may cost money."""
    assert cli.main(["operations", "--chargeable", "--json"]) == 0

    found = json.loads(capsys.readouterr().out)
    assert len(found) == sum(one.may_cost for one in OPERATIONS)
    assert all(one["may_cost"] for one in found)
    assert {
        "method": "POST",
        "path": "/v2/company-registry-data/picklist",
        "may_cost": True,
        "long_running": True,
        "command": "company-registry resolve-picklist",
    } in found


def _returns(name: str) -> str:
    resource, method = name.split(".")
    module = import_module(f"sikoia_async.resources.{resource}")
    cls: Any = getattr(module, "".join(part.capitalize() for part in resource.split("_")))
    return str(inspect.unwrap(getattr(cls, method)).__annotations__["return"])


def test_long_running_operations_are_those_that_return_one() -> None:
    """The list is written down, because loading all resources takes long."""
    assert {one.name for one in OPERATIONS if "Operation[" in _returns(one.name)} == LONG_RUNNING
