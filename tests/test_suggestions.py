"""Names that nearly exist, and the wrong `with`: the errors say what was meant."""

import copy
import operator
import subprocess
import sys
from typing import Any

import pytest

from sikoia_async import PRODUCTION, ArgumentTypeError, Sikoia


@pytest.fixture
def sikoia() -> Sikoia:
    """Return a client that sends nothing."""
    return Sikoia(token="t", environment=PRODUCTION)


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("case", "cases"),
        ("company_registy", "company_registry"),
        ("credit_report", "credit_reports"),
        ("with_option", "with_options"),
        ("close", "aclose"),
        ("get", "request"),
        ("cases.lists", "list"),
        ("cases.get", "retrieve"),
        ("cases.remove", "delete"),
        ("documents.uploads", "upload"),
    ],
)
def test_the_nearest_name_is_suggested(sikoia: Sikoia, name: str, meant: str) -> None:
    """On the client and on resources, for misspelt names and for those of other clients."""
    for client in (sikoia, sikoia.with_options(timeout=5)):
        with pytest.raises(AttributeError, match=f"; did you mean '{meant}'\\?") as caught:
            operator.attrgetter(name)(client)
        assert repr(name.rpartition(".")[2]) in str(caught.value)


@pytest.mark.parametrize("name", ["xyzzy", "_api_", "__fspath__", "cases.xyzzy", "cases._client"])
def test_nothing_is_suggested_if_nothing_is_near(sikoia: Sikoia, name: str) -> None:
    """Nor for private names, which protocols look for."""
    with pytest.raises(AttributeError) as caught:
        operator.attrgetter(name)(sikoia)
    assert "did you mean" not in str(caught.value)
    assert not hasattr(sikoia, "case")
    assert getattr(sikoia.cases, "lists", None) is None
    assert type(copy.copy(sikoia)) is Sikoia


def test_a_printed_traceback_suggests_once() -> None:
    """Python suggests names by itself where it prints a traceback."""
    program = (
        "from sikoia_async import PRODUCTION, Sikoia\n"
        "Sikoia(token='t', environment=PRODUCTION).case\n"
    )
    result = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert result.stderr.lower().count("did you mean") == 1


def test_a_plain_with_says_what_to_use(sikoia: Sikoia) -> None:
    """Instead of a hint at a missing `__enter__`."""
    clients: list[Any] = [sikoia, sikoia.with_options(timeout=5)]
    for client in clients:
        with pytest.raises(ArgumentTypeError, match="use `async with`"), client:
            pass
