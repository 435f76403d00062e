"""JSON to models with msgspec, and models to JSON."""

import decimal
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
from sikoia_async._codec.loader import load_hook
from sikoia_async._schema.json import REFUSALS, DecodeError, decoder, read_json, read_patiently
from sikoia_async.models import Model
from sikoia_async.resources.cases import NewAddress, NewPerson, PersonUpdate

DEEP = 3_000_000
"""More than the stack holds: since Python 3.14 nothing else limits what is skipped."""


@attrs.frozen(kw_only=True)
class Thing(Model):
    """A model with money, a datetime, an integer and a name."""

    money: Decimal | None = None
    moment: datetime | None = None
    whole: int | None = None
    name: str | None = None


@attrs.frozen(kw_only=True)
class Open(Model):
    """A model with a field of any type."""

    any: Any = None


def load(body: bytes, into: Any = Thing) -> Any:
    """Decode a body as responses are decoded."""
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
    """Money never passes through float, whether it is a number or a string."""
    money = load(f'{{"money": {text}}}'.encode()).money

    assert (type(money), str(money)) == (Decimal, exact)


@pytest.mark.parametrize(
    "text",
    [
        *("NaN", "nan", "sNaN", "-NaN", "NaN5", "Infinity", "-Infinity", "+inf", "inf", " NaN "),
        *(r"\u004eaN", r"I\u006efinity"),
    ],
)
def test_money_is_finite(text: str) -> None:
    """NaN and infinity, as .NET writes them, never become a Decimal that poisons sums."""
    drift, unread = Drift(), dict[str, Any]()

    thing = load_hook(Thing)(f'{{"money": "{text}"}}'.encode(), drift, unread)

    assert thing.money is None
    assert unread == {"$.money": json.loads(f'"{text}"')}
    assert drift["Thing.money: unreadable"] == 1


def test_a_name_may_be_nan() -> None:
    """A string field keeps the string "NaN"."""
    assert load(b'{"name": "NaN", "money": "5"}') == Thing(name="NaN", money=Decimal(5))


@pytest.mark.parametrize("text", ["1705276800", "1e9"])
def test_a_number_is_not_a_datetime(text: str) -> None:
    """A number is not read as seconds since 1970."""
    assert load(f'{{"moment": {text}}}'.encode()).moment is None


@pytest.mark.parametrize("text", ["2024", "20240115", "1.5"])
def test_a_number_in_a_string_is_not_a_datetime(text: str) -> None:
    """A number in quotes may mean anything, so it is not read either."""
    assert load(f'{{"moment": "{text}"}}'.encode()).moment is None


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b" ",
        b"{",
        b'{"name": "secret',
        b'{"name": "secret"} x',
        b'{"name": 1,}',
        b'{"name": nan}',
        b'{"name": --Infinity}',
        b"<html>secret</html>",
        b"\xff\xfe",
        b'{"name": "secret\\x"}',
        b'{"name": "secret\\ud8"}',
        b'{"name": "\0", "secret\0',
        b'{"name": \0"secret\t"}',
        b"[" * 100_000,
        b'{"other": ' + b"[" * DEEP + b"]" * DEEP + b"}",
    ],
    ids=lambda body: ascii(body)[:24],
)
@pytest.mark.parametrize("way", [load, read_json])
def test_an_invalid_body_is_a_decode_error(way: Any, body: bytes) -> None:
    """Reading a body returns a value or raises one kind of error that does not repeat it."""
    with pytest.raises(DecodeError) as caught:
        way(body)

    assert "secret" not in str(caught.value)


def test_a_number_beyond_decimal_is_refused_in_plain_json() -> None:
    """A field that a model does not have may hold such a number; plain JSON may not."""
    body = b'{"other": 1e99999999999999999999}'

    assert load(body) == Thing()
    with pytest.raises(DecodeError):
        read_json(body)


@pytest.mark.parametrize(
    "body",
    [
        b'{"name": NaN}',
        b'{"name": "secret\xff"}',
        b'{"name": "\\ud800"}',
        b'{"whole": ' + b"9" * 5000 + b"}",
        b'{"money": 1e99999999999999999999}',
    ],
    ids=lambda body: ascii(body)[:24],
)
def test_what_a_model_forgives_is_refused_in_plain_json(body: bytes) -> None:
    """Plain JSON has no place to keep a value that cannot be read."""
    assert type(load(body)) is Thing
    with pytest.raises(DecodeError):
        read_json(body)


@pytest.mark.parametrize(
    ("body", "plain"),
    [
        (rb'{"name": "\ud800x"}', {"name": "\ud800x"}),
        (rb'{"name": "a", "\udfff": 1}', {"name": "a", "\udfff": 1}),
        (b'\xef\xbb\xbf{"other": 1e99999999999999999999}', {"other": "1e99999999999999999999"}),
        (b'{"other": ' + b"9" * 5000 + b"}", {"other": Decimal("9" * 5000)}),
    ],
    ids=["surrogate", "surrogate in a name", "exponent", "digits"],
)
def test_any_json_can_be_read(body: bytes, plain: Any) -> None:
    """Events and the log of them may contain what msgspec refuses."""
    assert read_patiently(body) == plain
    assert load(b'{"any": %b}' % body.removeprefix(b"\xef\xbb\xbf"), Open).any == plain


@pytest.mark.parametrize("body", [b"", b"{", b"[NaN]", b'["\xff"]', b"[" * 100_000])
def test_what_is_not_json_is_refused_patiently(body: bytes) -> None:
    """That `NaN` is not JSON is not up to Python's parser."""
    with pytest.raises(DecodeError):
        read_patiently(body)


def test_a_field_of_any_type_keeps_what_is_not_json() -> None:
    """As much of it as can be read."""
    assert load(b'{"any": ["a\xff"]}', Open).any == ["a\udcff"]


@pytest.mark.parametrize("traps", [[], [*decimal.DefaultContext.flags]], ids=["none", "all"])
def test_the_decimal_context_does_not_matter(traps: Any) -> None:
    """It is the application's: it may round, or make NaN of what it cannot hold."""
    with decimal.localcontext(decimal.Context(prec=2, Emax=3, Emin=-3, traps=traps)):
        body = b"[1.2345e40, 1e99999999999999999999]"
        plain = [Decimal("1.2345e40"), "1e99999999999999999999"]

        assert read_patiently(body) == plain
        assert load(b'{"any": %b}' % body, Open).any == plain
        assert load(b'{"money": "1.2345e40"}') == Thing(money=Decimal("1.2345e40"))
        assert load(b'{"money": 1e99999999999999999999}') == Thing()


def test_a_number_of_thousands_of_digits_is_not_read() -> None:
    """A huge exponent is not expanded, because that would block the event loop."""
    unread = dict[str, Any]()

    assert load_hook(Thing)(b'{"whole": 1e9999}', Drift(), unread) == Thing()
    assert unread == {"$.whole": Decimal("1e9999")}


@pytest.mark.parametrize("way", [load, read_json])
def test_a_byte_order_mark_is_skipped(way: Any) -> None:
    """Some servers put a byte order mark before their JSON."""
    assert way(b'\xef\xbb\xbf{"name": "a"}') == way(b'{"name": "a"}')


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=5),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    )
)
def test_plain_json_is_read_like_the_standard_library(value: Any) -> None:
    """Without a model, JSON becomes the same plain Python values."""
    assert read_json(json.dumps(value).encode()) == value
    assert read_json(json.dumps(value, ensure_ascii=False).encode()) == value


def test_plain_fractions_are_exact() -> None:
    """Without a model, fractions are Decimals and integers are ints."""
    assert read_json(b"[0.1, 1e2, 5]") == [Decimal("0.1"), Decimal("1E+2"), 5]
    assert [type(one) for one in read_json(b"[0.1, 5]")] == [Decimal, int]


def test_repaired_responses_are_always_compared() -> None:
    """A response that decoded directly is only sampled."""
    drift = Drift()
    for _ in range(3):
        load_hook(Thing)(b'{"colour": 1}', drift)
    load_hook(Thing)(b'{"colour": 1, "moment": ""}', drift)

    assert drift["Thing.colour: unknown field"] == 2
    assert drift["Thing.moment: expected null, got an empty string"] == 1


def test_none_is_left_out_of_bodies() -> None:
    """None is not sent at any depth; an empty string, which clears a field, is."""
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


def test_money_and_datetimes_in_bodies() -> None:
    """Money is sent as a string of its digits, and a datetime with its time zone."""
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
def test_values_that_json_cannot_represent_are_refused(value: object) -> None:
    """The error does not repeat the body."""
    with pytest.raises(ConfigurationError, match=r"^body: contains") as caught:
        dumps({"a": value})

    assert "canary" not in str(caught.value)
    assert caught.value.__context__ is None


def test_a_type_that_json_has_not_is_refused() -> None:
    """A caller's, for example."""
    with pytest.raises(REFUSALS):
        decoder(complex)(b"1")
