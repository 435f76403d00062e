"""What callers give, checked before anything is sent."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given as drawn
from hypothesis import strategies as st

from sikoia_async import ArgumentTypeError, ConfigurationError
from sikoia_async._validation import (
    given,
    validate_filters,
    validate_flags,
    validate_fraction,
    validate_https,
    validate_id,
    validate_id_or_none,
    validate_ids,
    validate_list,
    validate_required_strings,
    validate_seconds,
    validate_string,
    validate_strings,
    validate_whole,
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
    assert validate_fraction("fuzziness", value) is value


@pytest.mark.parametrize(
    "value",
    [-0.1, 1.1, 10**400, float("nan"), True, "0.5", SECRET, [0.5]],
    ids=lambda one: repr(one)[:9],
)
def test_what_is_no_fraction_is_refused(value: Any) -> None:
    """The refusal names the parameter and the range, and not the value."""
    words = refused(validate_fraction, "fuzziness", value)

    assert words == "fuzziness: give a number from 0 to 1"


@pytest.mark.parametrize("value", [0, 1, 10**20])
def test_whole_numbers_are_taken(value: int) -> None:
    """From the least one on."""
    assert validate_whole("index", value, least=0) == value


@pytest.mark.parametrize("value", [-1, True, 1.0, "1", None], ids=repr)
def test_what_is_no_whole_number_is_refused(value: Any) -> None:
    """Neither is a truth value one."""
    assert "whole number of at least 0" in refused(validate_whole, "index", value, least=0)


@drawn(st.text(min_size=1, max_size=50))
def test_texts_are_taken(value: str) -> None:
    """Of one character up to the most."""
    assert validate_string("webhook_name", value, most=50) == value


def test_no_text_is_nothing_to_check() -> None:
    """What is left out is not sent."""
    assert validate_string("webhook_name", None, most=50) is None
    assert validate_https("webhook_callback_url", None, most=2048) is None


@pytest.mark.parametrize("value", ["", SECRET * 9, 5, b"name", [SECRET]], ids=repr)
def test_what_is_no_text_of_that_length_is_refused(value: Any) -> None:
    """An empty one, a longer one, and what is no text."""
    words = refused(validate_string, "webhook_name", value, most=50)

    assert words == "webhook_name: give a text of 1 to 50 characters"


@pytest.mark.parametrize(
    "value", ["https://example.com", "https://example.com:8443/a?b=c#d", "https://[::1]/x"]
)
def test_https_addresses_are_taken(value: str) -> None:
    """Absolute ones, with or without a port."""
    assert validate_https("webhook_callback_url", value, most=2048) == value


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
    words = refused(validate_https, "webhook_callback_url", value, most=2048)

    assert words.startswith("webhook_callback_url: give ")
    assert SECRET not in words


@pytest.mark.parametrize("value", [None, ["a"], ("a", "b")], ids=repr)
def test_lists_are_taken(value: Any) -> None:
    """Lists and tuples, and nothing at all."""
    assert validate_list("event_types", value, str, least=1) is value


@pytest.mark.parametrize(
    "value", [SECRET, b"secret", 5, {"a"}, {"a": SECRET}, [5], [None]], ids=repr
)
def test_what_is_no_list_of_these_is_refused(value: Any) -> None:
    """Else each letter of a text would be sent as an entry."""
    assert mistyped(validate_list, "event_types", value, str).startswith("event_types: give a list")


def test_too_short_a_list_is_refused() -> None:
    """Where the API needs an entry, an empty list says nothing."""
    assert refused(validate_list, "event_types", [], str, least=1) == "event_types: give at least 1"


@pytest.mark.parametrize("value", [0, -1, float("inf"), float("nan"), 10**400], ids=str)
def test_what_no_clock_can_be_set_to_is_refused(value: float) -> None:
    """Also a whole number that is larger than any float."""
    assert refused(validate_seconds, "timeout", value).startswith("timeout: give seconds")


@pytest.mark.parametrize("check", [validate_seconds, validate_fraction])
@pytest.mark.parametrize("value", ["5", True, [SECRET]], ids=repr)
def test_what_is_no_number_is_a_type_error(check: Callable[..., Any], value: Any) -> None:
    """Neither is a truth value a number."""
    assert mistyped(check, "timeout", value).startswith("timeout: give ")


def test_texts_and_truths_are_given_back_by_name() -> None:
    """What is None is left out later; what is empty clears a field."""
    texts = {"name": "", "owner": None, "source": "API"}
    flags = {"monitored": False, "complete": None}

    assert validate_strings(**texts) == texts
    assert validate_flags(**flags) == flags
    assert validate_required_strings(name="a") == {"name": "a"}


@pytest.mark.parametrize("value", [5, 5.5, b"secret", True, [SECRET], {"a": SECRET}], ids=repr)
def test_what_is_no_text_is_refused(value: Any) -> None:
    """The refusal names the parameter."""
    assert mistyped(validate_strings, name=value) == "name: give a text"
    assert mistyped(validate_required_strings, name=value) == "name: give a text"


@pytest.mark.parametrize("value", ["no", 0, 1, [True]], ids=repr)
def test_what_is_no_truth_value_is_refused(value: Any) -> None:
    """`"no"` would count as true."""
    assert mistyped(validate_flags, completed=value) == "completed: give True or False"


def test_what_is_needed_is_not_left_out() -> None:
    """None would be dropped in silence, and an empty text names nothing."""
    assert mistyped(validate_required_strings, name=None) == "name: has to be given"
    assert refused(validate_required_strings, name="") == "name: give a text that is not empty"
    assert given("name", "") == ""


@pytest.mark.parametrize("value", ["a", "", ["a", "b"], ("a",), {"a"}, [], None], ids=repr)
def test_filters_take_one_text_or_several(value: Any) -> None:
    """What is empty is refused where the query is written."""
    assert validate_filters(stage=value) == {"stage": value}


@pytest.mark.parametrize("value", [5, 5.5, True, b"x", [None], [5], object, {"a": "b"}], ids=str)
def test_other_filters_are_refused(value: Any) -> None:
    """Each by a TypeError of ours."""
    assert mistyped(validate_filters, stage=value) == "stage: give a text, or several in a list"


class WithId:
    """A model that has an id."""

    person_id = SECRET


def test_ids_are_taken() -> None:
    """One, several, or none where none is needed."""
    assert validate_id("case_id", "a-1") == validate_id_or_none("case_id", "a-1") == "a-1"
    assert validate_ids("persons", ("a", "b")) == ["a", "b"]
    assert validate_ids("persons", None) is None
    assert validate_id_or_none("case_id", None) is None


@pytest.mark.parametrize("value", ["", "..", "secret/x", "secret x"])
def test_what_is_no_id_is_refused(value: str) -> None:
    """In a list as well as alone."""
    assert refused(validate_id, "case_id", value).startswith(
        "case_id is no id: give Sikoia's, as a"
    )
    assert refused(validate_id_or_none, "case_id", value).startswith("case_id is no id")
    assert refused(validate_ids, "persons", ["a", value]).startswith("persons is no id")


def test_a_model_in_place_of_its_id_is_refused() -> None:
    """All of it would be sent: the refusal says where its id is."""
    assert mistyped(validate_id, "person_id", WithId()).endswith("as in person.person_id")
    assert mistyped(validate_id, "person_id", 5).endswith("digits and - _ . ~")
    assert mistyped(validate_id, "person_id", None).startswith("person_id is no id")
