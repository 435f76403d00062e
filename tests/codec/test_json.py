"""JSON to models by the fast way, and models to JSON."""

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sikoia_async import ConfigurationError
from sikoia_async._codec.drift import Drift
from sikoia_async._codec.encoder import dumps
from sikoia_async._codec.json import DecodeError, read_json
from sikoia_async._codec.loader import load_hook
from sikoia_async.models import Model
from sikoia_async.resources.cases import NewAddress, NewPerson, PersonUpdate


@attrs.frozen(kw_only=True)
class Thing(Model):
    """A model of these tests."""

    money: Decimal | None = None
    moment: datetime | None = None
    whole: int | None = None
    name: str | None = None


def load(body: bytes, into: Any = Thing) -> Any:
    """Decode a body as an answer is decoded."""
    return load_hook(into)(body, Drift())


@pytest.mark.parametrize(
    ("text", "exact"),
    [
        ("0.1", "0.1"),
        ('"0.1"', "0.1"),
        ("23657.04", "23657.04"),
        ("12345678901234567890.123456789", "12345678901234567890.123456789"),
        ('"12345678901234567890.123456789"', "12345678901234567890.123456789"),
        ("1e-30", "1E-30"),
        ("-0.00", "-0.00"),
        ("5", "5"),
    ],
)
def test_money_is_exact(text: str, exact: str) -> None:
    """Money is never a float on its way, as a number or as text."""
    money = load(f'{{"money": {text}}}'.encode()).money

    assert (type(money), str(money)) == (Decimal, exact)


@pytest.mark.parametrize(
    "text",
    [
        *("NaN", "nan", "sNaN", "-NaN", "NaN5", "Infinity", "-Infinity", "+inf", "inf", " NaN "),
        *(r"\u004eaN", r"I\u006efinity"),
    ],
)
def test_money_is_a_number(text: str) -> None:
    """What .NET writes for no number never becomes a Decimal, which would poison each sum."""
    drift, unread = Drift(), dict[str, str]()

    thing = load_hook(Thing)(f'{{"money": "{text}"}}'.encode(), drift, unread)

    assert thing.money is None
    assert unread == {"$.money": json.loads(f'"{text}"')}
    assert drift["Thing.money: unreadable"] == 1


def test_a_name_may_be_nan() -> None:
    """A text field keeps the words that are no numbers."""
    assert load(b'{"name": "NaN", "money": "5"}') == Thing(name="NaN", money=Decimal(5))


@pytest.mark.parametrize("text", ["1705276800", "1e9"])
def test_a_number_is_no_moment(text: str) -> None:
    """A number for a date-time is not taken for seconds since 1970."""
    with pytest.raises(DecodeError):
        load(f'{{"moment": {text}}}'.encode())


@pytest.mark.parametrize("text", ["2024", "20240115", "1.5"])
def test_a_number_as_text_is_no_moment(text: str) -> None:
    """Neither is a number in quotes, which may stand for anything."""
    assert load(f'{{"moment": "{text}"}}'.encode()).moment is None


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b" ",
        b"{",
        b'{"name": "secret',
        b'{"name": "secret"} x',
        b'{"name": NaN}',
        b"<html>secret</html>",
        b"\xff\xfe",
        b'{"name": "secret\xff"}',
        b'{"name": "\\ud800"}',
        b"[" * 100_000,
        b'{"other": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b'{"whole": ' + b"9" * 5000 + b"}",
        b'{"other": 1e99999999999999999999}',
        b'{"money": 1e99999999999999999999}',
    ],
    ids=lambda body: ascii(body)[:24],
)
@pytest.mark.parametrize("way", [load, read_json])
def test_what_is_no_json_is_a_misfit(way: Any, body: bytes) -> None:
    """Whatever a body is, reading it ends in a value or in one kind of error, without its text."""
    with pytest.raises(DecodeError) as caught:
        way(body)

    assert "secret" not in str(caught.value)


def test_a_number_of_thousands_of_digits_is_refused() -> None:
    """An exponent of a few bytes is not worked out: that would stop the event loop for long."""
    with pytest.raises(DecodeError) as caught:
        load(b'{"whole": 1e9999}')

    assert caught.value.problems == ("expected int @ $.whole",)


@pytest.mark.parametrize("way", [load, read_json])
def test_a_byte_order_mark_does_no_harm(way: Any) -> None:
    """A mark that some servers put before their JSON is skipped."""
    assert way(b'\xef\xbb\xbf{"name": "a"}') == way(b'{"name": "a"}')


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=5),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    )
)
def test_plain_json_is_read_as_it_is(value: Any) -> None:
    """Without a model, JSON becomes the plain Python that the standard library makes of it."""
    assert read_json(json.dumps(value).encode()) == value
    assert read_json(json.dumps(value, ensure_ascii=False).encode()) == value


def test_plain_fractions_are_exact() -> None:
    """Without a model, too, a fraction is a Decimal and an integer an int."""
    assert read_json(b"[0.1, 1e2, 5]") == [Decimal("0.1"), Decimal("1E+2"), 5]
    assert [type(one) for one in read_json(b"[0.1, 5]")] == [Decimal, int]


def test_looking_is_done_for_what_was_repaired() -> None:
    """A sound answer is looked at now and then, a repaired one always."""
    drift = Drift()
    for _ in range(3):
        load_hook(Thing)(b'{"colour": 1}', drift)
    load_hook(Thing)(b'{"colour": 1, "moment": ""}', drift)

    assert drift["Thing.colour: unknown field"] == 2
    assert drift["Thing.moment: expected null, got an empty string"] == 1


def test_bodies_are_sent_without_what_is_none() -> None:
    """None is not sent, at any depth; empty text, which clears a field, is."""
    body = {
        "name": "Loan",
        "stage": None,
        "description": "",
        "flags": [True, None],
        "more": {"a": None, "b": 1},
        "persons": (
            NewPerson(
                first_name="Ada",
                last_name="Example",
                date_of_birth=date(1985, 6, 12),
                postal_address=NewAddress(city=""),
            ),
            PersonUpdate(person_id="1", date_of_birth=""),
        ),
    }

    assert json.loads(dumps(body)) == {
        "name": "Loan",
        "description": "",
        "flags": [True, None],
        "more": {"b": 1},
        "persons": [
            {
                "first_name": "Ada",
                "last_name": "Example",
                "date_of_birth": "1985-06-12",
                "postal_address": {"city": ""},
            },
            {"person_id": "1", "date_of_birth": ""},
        ],
    }


def test_bodies_spell_numbers_and_moments() -> None:
    """Money is sent as the text of its digits, and a moment with its zone."""
    body = {"money": Decimal("0.10"), "moment": datetime(2024, 1, 31, 12, tzinfo=UTC)}

    assert json.loads(dumps(body)) == {"money": "0.10", "moment": "2024-01-31T12:00:00Z"}


_ENDLESS: list[object] = []
_ENDLESS.append(_ENDLESS)


@pytest.mark.parametrize(
    "value",
    [
        "canary\ud800",
        {"canary": 1j},
        object(),
        float("nan"),
        [float("-inf")],
        {"canary": Decimal("NaN")},
        b"canary",
        bytearray(b"canary"),
        {"canary"},
        Thing(money=Decimal("Infinity"), name="canary"),
        _ENDLESS,
    ],
    ids=[
        "surrogate", "complex", "object", "nan", "infinity", "no number", "bytes", "bytearray",
        "set", "in a model", "itself",
    ],
)  # fmt: skip
def test_what_json_cannot_say_is_refused(value: object) -> None:
    """A body that cannot be written is an error of ours that does not repeat it."""
    with pytest.raises(ConfigurationError, match="body: it holds") as caught:
        dumps({"a": value})

    assert "canary" not in str(caught.value)
    assert caught.value.__context__ is None
