"""Validation of arguments before anything is sent."""

import re
from collections.abc import Callable
from typing import Any, Literal
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sikoia_async import ArgumentTypeError, ConfigurationError
from sikoia_async._validation import (
    lazy_pattern,
    validate_codes,
    validate_filters,
    validate_flags,
    validate_fraction,
    validate_https,
    validate_id,
    validate_id_or_none,
    validate_known,
    validate_known_filters,
    validate_list,
    validate_required,
    validate_required_strings,
    validate_seconds,
    validate_string,
    validate_strings,
    validate_whole,
)

SECRET = "secret"


def refused(check: Callable[..., Any], *values: Any, **named: Any) -> str:
    """Return the message of the ConfigurationError."""
    with pytest.raises(ConfigurationError) as caught:
        check(*values, **named)
    assert SECRET not in str(caught.value)
    return str(caught.value)


def mistyped(check: Callable[..., Any], *values: Any, **named: Any) -> str:
    """Return the message of the ArgumentTypeError."""
    with pytest.raises(ArgumentTypeError) as caught:
        check(*values, **named)
    assert SECRET not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("value", [None, 0, 1, 0.0, 0.5, 1.0])
def test_fractions_are_accepted(value: float | None) -> None:
    """Numbers from 0 to 1 inclusive, and None."""
    assert validate_fraction("fuzziness", value) is value


@pytest.mark.parametrize(
    "value",
    [-0.1, 1.1, 10**400, float("nan"), True, "0.5", SECRET, [0.5]],
    ids=lambda one: repr(one)[:9],
)
def test_other_values_are_not_fractions(value: Any) -> None:
    """The message names the argument and the range, and not the value."""
    message = refused(validate_fraction, "fuzziness", value)

    assert message == "fuzziness: expected a number from 0 to 1"


@pytest.mark.parametrize("value", [0, 1, 10**20])
def test_whole_numbers_are_accepted(value: int) -> None:
    """From the minimum up."""
    assert validate_whole("index", value, least=0) == value


@pytest.mark.parametrize("value", [-1, True, 1.0, "1", None], ids=repr)
def test_other_values_are_not_whole_numbers(value: Any) -> None:
    """A bool is not accepted as a number."""
    assert "whole number of at least 0" in refused(validate_whole, "index", value, least=0)


@given(st.text(min_size=1, max_size=50))
def test_strings_are_accepted(value: str) -> None:
    """From one character to the maximum."""
    assert validate_string("webhook_name", value, most=50) == value


def test_none_is_accepted_for_optional_strings() -> None:
    """An argument that is left out is not sent."""
    assert validate_string("webhook_name", None, most=50) is None
    assert validate_https("webhook_callback_url", None, most=2048) is None


@pytest.mark.parametrize("value", ["", SECRET * 9, 5, b"name", [SECRET]], ids=repr)
def test_strings_of_the_wrong_length_are_refused(value: Any) -> None:
    """Empty strings, longer ones, and values of other types."""
    message = refused(validate_string, "webhook_name", value, most=50)

    assert message == "webhook_name: expected a string of 1 to 50 characters"


@pytest.mark.parametrize(
    "value",
    [
        "https://example.com",
        "https://example.com:8443/a?b=c#d",
        "https://example.com/a(b)'c'?d[]=%C3%A9&e=;f@g",
        "https://[::1]/x",
        "https://bücher.example/é",
        "HTTPS://example.com.",
    ],
)
def test_https_urls_are_accepted(value: str) -> None:
    """Absolute URLs, with or without a port."""
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
        "https://@example.com/secret",
        "https://example.com\\secret",
        "https://example.com:0/secret",
        "https://example.com:99999/secret",
        "https://secret[::1]/",
        "https://xn--zz.secret/",
        "https://\u200d.secret/",
        "https://secret..example/",
        "https://example.com/secret\ud800",
        "https://example.com/<script>secret</script>",
        'https://example.com/"secret',
        "https://example.com/a?b=secret|c",
        "https://example.com/{secret}",
        "https://example.com/secret%",
        "https://example.com/%zzsecret",
        "https://example.com/`secret`#^",
        "https://example.com/a secret",
        "https://example.com/\nsecret",
        "ftp://example.com/secret",
        "https://secret@example.com/",
        "https://example.com/" + "a" * 2048,
        "",
    ],
    ids=lambda value: value[:30],
)
def test_other_urls_are_refused(value: str) -> None:
    """The message says which URLs are accepted, and does not repeat the value."""
    message = refused(validate_https, "webhook_callback_url", value, most=2048)

    assert message.startswith("webhook_callback_url: expected ")
    assert SECRET not in message


@pytest.mark.parametrize("value", [None, ["a"], ("a", "b")], ids=repr)
def test_lists_are_accepted(value: Any) -> None:
    """Lists, tuples and None."""
    assert validate_list("event_types", value, str, least=1) is value


@pytest.mark.parametrize(
    ("value", "wrong"),
    [
        (SECRET, "str"),
        (b"secret", "bytes"),
        (5, "int"),
        ({"a"}, "set"),
        ({"a": SECRET}, "dict"),
        ([5], "int"),
        ([None], "NoneType"),
    ],
    ids=repr,
)
def test_other_values_are_not_lists_of_strings(value: object, wrong: str) -> None:
    """A string would otherwise be sent as a list of its characters."""
    message = mistyped(validate_list, "event_types", value, str)

    assert message == f"event_types: expected a list of strings, not {wrong}"


def test_lists_that_are_too_short_are_refused() -> None:
    """The API needs at least one item in some lists."""
    message = refused(validate_list, "event_types", [], str, least=1)

    assert message == "event_types: expected at least 1 item"


@pytest.mark.parametrize("value", [0, -1, float("inf"), float("nan"), 10**400], ids=str)
def test_times_no_clock_can_measure_are_refused(value: float) -> None:
    """Zero, negative, infinite, NaN, and an int larger than any float."""
    assert refused(validate_seconds, "timeout", value).startswith("timeout: expected seconds")


@pytest.mark.parametrize("check", [validate_seconds, validate_fraction])
@pytest.mark.parametrize("value", ["5", True, [SECRET]], ids=repr)
def test_other_types_are_not_numbers(check: Callable[..., Any], value: Any) -> None:
    """A string, a bool and a list are type errors."""
    assert mistyped(check, "timeout", value).startswith("timeout: expected ")


def test_fields_come_back_by_name() -> None:
    """None is dropped later, and an empty string clears a field."""
    strings = {"name": "", "owner": None, "source": "API"}
    flags = {"monitored": False, "complete": None}

    assert validate_strings(**strings) == strings
    assert validate_flags(**flags) == flags
    assert validate_required_strings(name="a") == {"name": "a"}


@pytest.mark.parametrize("value", [5, 5.5, b"secret", True, [SECRET], {"a": SECRET}], ids=repr)
def test_other_types_are_not_strings(value: Any) -> None:
    """The message names the argument."""
    assert mistyped(validate_strings, name=value) == "name: expected a string"
    assert mistyped(validate_required_strings, name=value) == "name: expected a string"


@pytest.mark.parametrize("value", ["no", 0, 1, [True]], ids=repr)
def test_other_types_are_not_flags(value: Any) -> None:
    """Python would count `"no"` as true."""
    assert mistyped(validate_flags, completed=value) == "completed: expected True or False"


def test_required_values_cannot_be_left_out() -> None:
    """None would be silently dropped from the request."""
    message = "name: required, and must not be None"
    assert mistyped(validate_required, "name", None) == message
    assert mistyped(validate_required_strings, name=None) == message
    assert refused(validate_required_strings, name="") == "name: expected a non-empty string"
    assert validate_required("name", "") == ""


@pytest.mark.parametrize("value", ["a", "", ["a", "b"], ("a",), {"a"}, [], None], ids=repr)
def test_filters_accept_one_string_or_several(value: Any) -> None:
    """An empty filter passes here, and is refused when the query is built."""
    assert validate_filters(stage=value) == {"stage": value}


@pytest.mark.parametrize("value", [5, 5.5, True, b"x", [None], [5], object, {"a": "b"}], ids=str)
def test_other_types_are_not_filters(value: Any) -> None:
    """Each is an ArgumentTypeError."""
    message = mistyped(validate_filters, stage=value)

    assert message == "stage: expected a string or a list of strings"


def test_known_values_come_back_by_name() -> None:
    """As plain strings; None is not sent."""
    given = {"a": "yes", "b": None}
    assert validate_known(Literal["yes", "no"], **given) == given
    filters: dict[str, Any] = {"a": "yes", "b": None, "c": ["no", "yes"], "d": ()}
    assert validate_known_filters(Literal["yes", "no"], **filters) == filters


@pytest.mark.parametrize("value", [SECRET, "", "Yes", "yes ", "yes,no"])
def test_unknown_values_are_refused(value: str) -> None:
    """Alone and in a list. The message lists those that are accepted."""
    known = Literal["yes", "no"]

    assert refused(validate_known, known, a=value) == "a: expected one of yes, no"
    for several in (value, ["yes", value], {value}):
        message = refused(validate_known_filters, known, a=several)
        assert message == "a: expected one of yes, no"


@pytest.mark.parametrize("code", [None, "GB", "gb", "ZZ"])
def test_country_codes_have_two_letters(code: str | None) -> None:
    """Which countries there are is not checked."""
    assert validate_codes(country_code=code) == {"country_code": code}


@pytest.mark.parametrize("code", ["GB", "US_DE", "us_de"])
def test_jurisdiction_codes_may_have_a_state(code: str) -> None:
    """As the specification's pattern says."""
    assert validate_codes(jurisdiction_code=code) == {"jurisdiction_code": code}


class WithId:
    """A model with an id."""

    person_id = SECRET


def test_ids_are_accepted() -> None:
    """Or None where the id is optional."""
    assert validate_id("case_id", "a-1") == validate_id_or_none("case_id", "a-1") == "a-1"
    assert validate_id_or_none("case_id", None) is None


class ShortId(UUID):
    """Another way to write a UUID, which may have any character."""

    def __str__(self) -> str:
        """Return characters that would change a path."""
        return "../x"


def test_a_uuid_is_sent_as_sikoia_writes_it() -> None:
    """Whatever its class would print."""
    written = "5a8cfd65-5d0a-4f54-9d4c-0e6f9d4bd1a0"
    for kind in (UUID, ShortId):
        assert validate_id("case_id", kind(written.upper())) == written


@pytest.mark.parametrize("value", ["", "..", "secret/x", "secret x"])
def test_ids_that_would_change_the_path_are_refused(value: str) -> None:
    """An error says what is expected."""
    expected = "not a valid id; expected letters, digits, '-', '_', '.' and '~'"
    assert refused(validate_id, "case_id", value) == f"case_id: {expected}"
    assert refused(validate_id_or_none, "case_id", value) == f"case_id: {expected}"


def test_a_model_instead_of_its_id_is_refused() -> None:
    """All of its fields would be sent: the message says where its id is."""
    assert mistyped(validate_id, "person_id", WithId()) == (
        "person_id: not a valid id; expected the id alone, person.person_id"
    )


@pytest.mark.parametrize("value", [5, None], ids=repr)
def test_other_types_are_not_ids(value: Any) -> None:
    """The message says that an id is a string."""
    assert mistyped(validate_id, "person_id", value) == (
        "person_id: not a valid id; expected a string of letters, digits, '-', '_', '.' and '~'"
    )


def test_a_lazy_pattern_is_compiled_once_and_only_when_it_is_used() -> None:
    """Until then, even a pattern that is not valid does no harm."""
    wrong, right = lazy_pattern("("), lazy_pattern("[a-z]+", re.IGNORECASE)

    with pytest.raises(re.error):
        wrong.search("a")
    assert right.fullmatch("Abc") is not None
    assert right.fullmatch is right.fullmatch
