"""Secrets: validated on the way in, and never shown."""

import copy
import pickle
import pprint
import traceback
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sikoia_async._auth.secret import Secret, is_sendable
from sikoia_async.errors import ConfigurationError

CANARY = "canary-value"
SECRET = Secret("client_secret", CANARY)


@pytest.mark.parametrize(
    "show",
    [repr, str, "{}".format, "{!r:>30}".format, "%s".__mod__, pprint.pformat],
    ids=["repr", "str", "format", "padded", "percent", "pprint"],
)
def test_a_secret_is_not_shown(show: Callable[[object], str]) -> None:
    """However it is formatted, alone or in a list."""
    assert CANARY not in show(SECRET)
    assert CANARY not in show([SECRET])


@pytest.mark.parametrize("duplicate", [pickle.dumps, copy.copy, copy.deepcopy])
def test_a_secret_cannot_be_copied(duplicate: Callable[[Secret], Any]) -> None:
    """Neither pickled nor copied; the error does not show it."""
    with pytest.raises(TypeError, match="cannot be pickled") as caught:
        duplicate(SECRET)

    assert CANARY not in str(caught.value)


def test_a_secret_has_no_dict() -> None:
    """Tools that print the attributes of an object find none."""
    assert not hasattr(SECRET, "__dict__")


def test_a_secret_is_revealed_on_request() -> None:
    """By one method, so that a search finds every use."""
    assert SECRET.reveal() == CANARY


@pytest.mark.parametrize(
    "value",
    [
        "",
        f"{CANARY}\n",
        f"{CANARY}\r\nX: y",
        f"{CANARY} ",
        f"{CANARY}\t",
        f"{CANARY}\x00",
        f"{CANARY}\x7f",
        f"{CANARY}é",
        f"{CANARY}\ud800",
        CANARY * 1000,
    ],
    ids=["empty", "newline", "crlf", "space", "tab", "nul", "del", "accent", "surrogate", "long"],
)
def test_an_invalid_secret_is_refused_and_not_shown(value: str) -> None:
    """A value that no header can carry is refused at once."""
    with pytest.raises(ConfigurationError, match=r"^client_secret: expected ") as caught:
        Secret("client_secret", value)

    assert CANARY not in "".join(traceback.format_exception(caught.value, chain=True)[-1:])


@pytest.mark.parametrize(
    ("length", "sendable"), [(0, False), (1, True), (8192, True), (8193, False)]
)
def test_the_length_of_a_header_value_is_bounded(length: int, *, sendable: bool) -> None:
    """1 to 8192 characters."""
    assert is_sendable("x" * length) is sendable


@given(st.text(min_size=1, max_size=20))
def test_only_visible_ascii_is_sendable(value: str) -> None:
    """A string with any other character is not."""
    assert is_sendable(value) is all(0x21 <= ord(character) <= 0x7E for character in value)
