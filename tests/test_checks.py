"""What callers give, checked before anything is sent."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sikoia_async import ConfigurationError
from sikoia_async._checks import (
    checked_fraction,
    checked_https,
    checked_list,
    checked_text,
    checked_whole,
)

SECRET = "secret"


def refused(check: Callable[..., Any], *given: Any, **bounds: int) -> str:
    """Return the words of a refusal."""
    with pytest.raises(ConfigurationError) as caught:
        check(*given, **bounds)
    return str(caught.value)


@pytest.mark.parametrize("value", [None, 0, 1, 0.0, 0.5, 1.0])
def test_fractions_are_taken(value: float | None) -> None:
    """From 0 to 1, both included, and nothing at all."""
    assert checked_fraction("fuzziness", value) is value


@pytest.mark.parametrize(
    "value", [-0.1, 1.1, 2, float("nan"), float("inf"), True, "0.5", SECRET, [0.5]], ids=repr
)
def test_what_is_no_fraction_is_refused(value: Any) -> None:
    """The refusal names the parameter and the range, and not the value."""
    words = refused(checked_fraction, "fuzziness", value)

    assert words == "fuzziness: give a number from 0 to 1"


@pytest.mark.parametrize("value", [0, 1, 10**20])
def test_whole_numbers_are_taken(value: int) -> None:
    """From the least one on."""
    assert checked_whole("index", value, least=0) == value


@pytest.mark.parametrize("value", [-1, True, 1.0, "1", None], ids=repr)
def test_what_is_no_whole_number_is_refused(value: Any) -> None:
    """Neither is a truth value one."""
    assert "whole number of at least 0" in refused(checked_whole, "index", value, least=0)


@given(st.text(min_size=1, max_size=50))
def test_texts_are_taken(value: str) -> None:
    """Of one character up to the most."""
    assert checked_text("webhook_name", value, most=50) == value


def test_no_text_is_nothing_to_check() -> None:
    """What is left out is not sent."""
    assert checked_text("webhook_name", None, most=50) is None
    assert checked_https("webhook_callback_url", None, most=2048) is None


@pytest.mark.parametrize("value", ["", SECRET * 9, 5, b"name", [SECRET]], ids=repr)
def test_what_is_no_text_of_that_length_is_refused(value: Any) -> None:
    """An empty one, a longer one, and what is no text."""
    words = refused(checked_text, "webhook_name", value, most=50)

    assert words == "webhook_name: give a text of 1 to 50 characters"


@pytest.mark.parametrize(
    "value", ["https://example.com", "https://example.com:8443/a?b=c#d", "https://[::1]/x"]
)
def test_https_addresses_are_taken(value: str) -> None:
    """Absolute ones, with or without a port."""
    assert checked_https("webhook_callback_url", value, most=2048) == value


@pytest.mark.parametrize(
    "value",
    [
        "http://example.com/secret",
        "example.com/secret",
        "/secret",
        "https:///secret",
        "https://",
        "https://[secret/",
        "https://example.com/a secret",
        "https://example.com/\nsecret",
        "ftp://example.com/secret",
        "https://secret@example.com/",
        "https://example.com/" + "a" * 2048,
        "",
    ],
    ids=lambda value: value[:30],
)
def test_other_addresses_are_refused(value: str) -> None:
    """The refusal says what an address must be, and does not repeat it."""
    words = refused(checked_https, "webhook_callback_url", value, most=2048)

    assert words.startswith("webhook_callback_url: give ")
    assert SECRET not in words


@pytest.mark.parametrize("value", [None, [], ["a"], ("a", "b")], ids=repr)
def test_lists_are_taken(value: Any) -> None:
    """Of any kind, and none."""
    assert checked_list("event_types", value) is value


@pytest.mark.parametrize("value", [SECRET, b"secret"], ids=repr)
def test_a_text_is_no_list(value: Any) -> None:
    """Else each letter would be sent as an entry."""
    assert refused(checked_list, "event_types", value).startswith("event_types: give a list")
