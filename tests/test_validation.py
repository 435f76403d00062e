"""What callers give, checked before anything is sent."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given as drawn
from hypothesis import strategies as st

from sikoia_async import ArgumentTypeError, ConfigurationError
from sikoia_async._validation import (
    checked_filters,
    checked_flags,
    checked_fraction,
    checked_https,
    checked_id,
    checked_id_or_none,
    checked_ids,
    checked_list,
    checked_seconds,
    checked_text,
    checked_texts,
    checked_whole,
    given,
    needed_texts,
)

SECRET = "secret"


def refused(check: Callable[..., Any], *values: Any, **named: Any) -> str:
    """Return the words of a refusal."""
    with pytest.raises(ConfigurationError) as caught:
        check(*values, **named)
    assert SECRET not in str(caught.value)
    return str(caught.value)


def mistyped(check: Callable[..., Any], *values: Any, **named: Any) -> str:
    """Return the words of a refusal for the type."""
    with pytest.raises(ArgumentTypeError) as caught:
        check(*values, **named)
    assert SECRET not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("value", [None, 0, 1, 0.0, 0.5, 1.0])
def test_fractions_are_taken(value: float | None) -> None:
    """From 0 to 1, both included, and nothing at all."""
    assert checked_fraction("fuzziness", value) is value


@pytest.mark.parametrize(
    "value",
    [-0.1, 1.1, 10**400, float("nan"), True, "0.5", SECRET, [0.5]],
    ids=lambda one: repr(one)[:9],
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


@drawn(st.text(min_size=1, max_size=50))
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


@pytest.mark.parametrize("value", [None, ["a"], ("a", "b")], ids=repr)
def test_lists_are_taken(value: Any) -> None:
    """Lists and tuples, and nothing at all."""
    assert checked_list("event_types", value, str, least=1) is value


@pytest.mark.parametrize(
    "value", [SECRET, b"secret", 5, {"a"}, {"a": SECRET}, [5], [None]], ids=repr
)
def test_what_is_no_list_of_these_is_refused(value: Any) -> None:
    """Else each letter of a text would be sent as an entry."""
    assert mistyped(checked_list, "event_types", value, str).startswith("event_types: give a list")


def test_too_short_a_list_is_refused() -> None:
    """Where the API needs an entry, an empty list says nothing."""
    assert refused(checked_list, "event_types", [], str, least=1) == "event_types: give at least 1"


@pytest.mark.parametrize("value", [0, -1, float("inf"), float("nan"), 10**400], ids=str)
def test_what_no_clock_can_be_set_to_is_refused(value: float) -> None:
    """Also a whole number that is larger than any float."""
    assert refused(checked_seconds, "timeout", value).startswith("timeout: give seconds")


@pytest.mark.parametrize("check", [checked_seconds, checked_fraction])
@pytest.mark.parametrize("value", ["5", True, [SECRET]], ids=repr)
def test_what_is_no_number_is_a_type_error(check: Callable[..., Any], value: Any) -> None:
    """Neither is a truth value a number."""
    assert mistyped(check, "timeout", value).startswith("timeout: give ")


def test_texts_and_truths_are_given_back_by_name() -> None:
    """What is None is left out later; what is empty clears a field."""
    texts = {"name": "", "owner": None, "source": "API"}
    flags = {"monitored": False, "complete": None}

    assert checked_texts(**texts) == texts
    assert checked_flags(**flags) == flags
    assert needed_texts(name="a") == {"name": "a"}


@pytest.mark.parametrize("value", [5, 5.5, b"secret", True, [SECRET], {"a": SECRET}], ids=repr)
def test_what_is_no_text_is_refused(value: Any) -> None:
    """The refusal names the parameter."""
    assert mistyped(checked_texts, name=value) == "name: give a text"
    assert mistyped(needed_texts, name=value) == "name: give a text"


@pytest.mark.parametrize("value", ["no", 0, 1, [True]], ids=repr)
def test_what_is_no_truth_value_is_refused(value: Any) -> None:
    """`"no"` would count as true."""
    assert mistyped(checked_flags, completed=value) == "completed: give True or False"


def test_what_is_needed_is_not_left_out() -> None:
    """None would be dropped in silence, and an empty text names nothing."""
    assert mistyped(needed_texts, name=None) == "name: has to be given"
    assert refused(needed_texts, name="") == "name: give a text that is not empty"
    assert given("name", "") == ""


@pytest.mark.parametrize("value", ["a", "", ["a", "b"], ("a",), {"a"}, [], None], ids=repr)
def test_filters_take_one_text_or_several(value: Any) -> None:
    """What is empty is refused where the query is written."""
    assert checked_filters(stage=value) == {"stage": value}


@pytest.mark.parametrize("value", [5, 5.5, True, b"x", [None], [5], object, {"a": "b"}], ids=str)
def test_other_filters_are_refused(value: Any) -> None:
    """Each by a TypeError of ours."""
    assert mistyped(checked_filters, stage=value) == "stage: give a text, or several in a list"


class WithId:
    """A model that has an id."""

    person_id = SECRET


def test_ids_are_taken() -> None:
    """One, several, or none where none is needed."""
    assert checked_id("case_id", "a-1") == checked_id_or_none("case_id", "a-1") == "a-1"
    assert checked_ids("persons", ("a", "b")) == ["a", "b"]
    assert checked_ids("persons", None) is None
    assert checked_id_or_none("case_id", None) is None


@pytest.mark.parametrize("value", ["", "..", "secret/x", "secret x"])
def test_what_is_no_id_is_refused(value: str) -> None:
    """In a list as well as alone."""
    assert refused(checked_id, "case_id", value).startswith("case_id is no id: give Sikoia's, as a")
    assert refused(checked_id_or_none, "case_id", value).startswith("case_id is no id")
    assert refused(checked_ids, "persons", ["a", value]).startswith("persons is no id")


def test_a_model_in_place_of_its_id_is_refused() -> None:
    """All of it would be sent: the refusal says where its id is."""
    assert mistyped(checked_id, "person_id", WithId()).endswith("as in person.person_id")
    assert mistyped(checked_id, "person_id", 5).endswith("digits and - _ . ~")
    assert mistyped(checked_id, "person_id", None).startswith("person_id is no id")
