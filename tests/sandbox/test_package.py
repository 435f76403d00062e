"""The package of the local Sikoia."""

import importlib
import sys

import pytest

import sikoia_async.sandbox


def test_the_public_names() -> None:
    """`__all__` lists them."""
    assert sikoia_async.sandbox.__all__ == [
        "App",
        "Credentials",
        "Rate",
        "Sandbox",
        "Scenario",
        "Time",
        "Wire",
        "create_app",
    ]


@pytest.mark.parametrize("missing", ["starlette", "uvicorn", "trustme"])
def test_a_missing_dependency_names_the_extra(
    monkeypatch: pytest.MonkeyPatch, missing: str
) -> None:
    """The error says how to install it."""
    for name in list(sys.modules):
        if name.startswith(("sikoia_async.sandbox", missing)):
            monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, missing, None)

    with pytest.raises(ImportError, match=r"pip install 'sikoia-async\[sandbox\]'"):
        importlib.import_module("sikoia_async.sandbox")
