"""Repairs, refusals and their messages, and that msgspec and cattrs agree."""

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import partial
from types import GenericAlias
from typing import Any, Literal, get_args, get_origin

import attrs
import contract
import pytest
import spec
from contract import Endpoint
from hypothesis import example, given, settings
from hypothesis import strategies as st

from sikoia_async._codec.converter import structure, unstructure
from sikoia_async._codec.drift import Drift
from sikoia_async._codec.json import DecodeError, read_json
from sikoia_async._codec.loader import load_hook
from sikoia_async.models import Items, Model, Open
from sikoia_async.resources.users import User

READING = [one for one in contract.ENDPOINTS if contract.models_in(one.into)]


@attrs.frozen(kw_only=True)
class Part(Model):
    """A part of a thing."""

    size: int | None = None


@attrs.frozen(kw_only=True)
class Thing(Model):
    """A model with a field of each kind."""

    thing_id: str = "1"
    text: str | None = None
    whole: int | None = None
    share: float | None = None
    money: Decimal | None = None
    flag: bool | None = None
    day: date | None = None
    moment: datetime | None = None
    kind: Open[Literal["A", "B"]] | None = None
    names: tuple[str, ...] | None = None
    part: Part | None = None
    parts: tuple[Part, ...] = ()
    must: bool = True


def load(body: bytes, into: Any = Thing) -> Any:
    """Decode a body as responses are decoded."""
    return load_hook(into)(body, Drift())


def by_cattrs(body: bytes) -> Any:
    """Decode a body with cattrs alone."""
    return structure(read_json(body), Thing)


def outcome(decode: Any, body: bytes) -> Any:
    """Return the decoded value, or `DecodeError` if the body is refused."""
    try:
        return decode(body)
    except DecodeError:
        return DecodeError


@settings(max_examples=10)
@pytest.mark.parametrize("endpoint", READING, ids=contract.ids)
@given(st.data())
def test_both_ways_give_the_same_model(endpoint: Endpoint, data: st.DataObject) -> None:
    """Cattrs returns the same model as msgspec for every body that msgspec accepts."""
    into, answer = endpoint.successes[0]
    if get_origin(into) is Items:
        into = GenericAlias(tuple, (get_args(into)[0], ...))
    values = spec.values(answer["schema"], always=contract.needed_in(into))
    body = json.dumps(data.draw(values)).encode()

    fast = load(body, into)

    assert fast == structure(read_json(body), into)
    assert type(fast) is (get_origin(into) or into)


@settings(deadline=None)
@pytest.mark.parametrize("field", ["text", "whole", "money", "flag", "day", "moment"])
@given(
    st.text("0123456789.+-eE_ \u0661infaTZ:", max_size=12)
    | st.sampled_from(["null", "true", "1", "2024-01-15T12:00:00Z"])
    | st.integers()
    | st.booleans()
    | st.floats(allow_nan=False, allow_infinity=False)
)
@example("2024")
@example("20240115")
@example("1_0")
@example("null")
def test_both_ways_agree_on_quirks(field: str, value: Any) -> None:
    """A value in another form than specified is decoded to the same value both ways.

    Otherwise a field would change its meaning with the other fields of the response.
    """
    body = json.dumps({field: value}).encode()

    assert outcome(load, body) == outcome(by_cattrs, body)


@pytest.mark.parametrize(
    ("field", "value", "repaired"),
    [
        ("text", 123, "123"),
        ("text", 12.5, "12.5"),
        ("text", "", ""),
        ("whole", "5", 5),
        ("whole", " 5 ", 5),
        ("whole", 5.0, 5),
        ("whole", "5.0", 5),
        ("whole", "", None),
        ("share", "0.5", 0.5),
        ("share", 2, 2.0),
        ("money", "23657.04", Decimal("23657.04")),
        ("money", "-1e2", Decimal("-1E+2")),
        ("money", "", None),
        ("flag", "true", True),
        ("flag", "False", False),
        ("flag", "0", False),
        ("flag", 1, True),
        ("flag", "", None),
        ("day", "2024-01-31T23:30:00Z", date(2024, 1, 31)),
        ("day", "", None),
        ("moment", "2024-01-31", datetime(2024, 1, 31, tzinfo=UTC)),
        ("moment", "2024-02-12T16:02:06.9Z", datetime(2024, 2, 12, 16, 2, 6, 900_000, UTC)),
        (
            "moment",
            "2024-01-18T12:37:35.1234567+00:00",
            datetime(2024, 1, 18, 12, 37, 35, 123_457, UTC),
        ),
        ("moment", "", None),
        ("kind", "C", "C"),
        ("kind", 5, "5"),
        ("names", '["a", "b"]', ("a", "b")),
        ("names", [1, "b"], ("1", "b")),
        ("names", "[]", ()),
        ("names", "", None),
        ("part", "", None),
        ("part", {"size": "7"}, Part(size=7)),
        ("parts", '[{"size": "7"}]', (Part(size=7),)),
    ],
    ids=repr,
)
@pytest.mark.parametrize("way", [load, by_cattrs], ids=["first", "cattrs"])
def test_quirks_are_repaired(way: Any, field: str, value: Any, repaired: Any) -> None:
    """Values in the forms that Sikoia is known to send are converted to the field's type."""
    found = getattr(way(json.dumps({field: value}).encode()), field)

    assert (found, type(found)) == (repaired, type(repaired))


@pytest.mark.parametrize(
    ("field", "value", "expected"),
    [
        ("thing_id", None, "str"),
        ("text", True, "str"),
        ("text", ["secret"], "str"),
        ("kind", {"secret": 1}, "str"),
        ("whole", 5.5, "int"),
        ("whole", True, "int"),
        ("share", float("inf"), "float"),
        ("money", True, "Decimal"),
        ("money", ["secret"], "Decimal"),
        ("flag", 2, "bool"),
        ("flag", 1.5, "bool"),
        ("must", None, "bool"),
        ("names", "secret", "list"),
        ("names", '{"secret": 1}', "list"),
        ("names", {"secret": 1}, "list"),
        ("part", "secret", "Part"),
        ("part", ["secret"], "Part"),
        ("part", [], "Part"),
        ("parts", "secret", "list"),
    ],
    ids=repr,
)
def test_a_value_of_the_wrong_type_is_refused(field: str, value: Any, expected: str) -> None:
    """The error names the path and the expected type, and does not show the value."""
    text = json.dumps({field: value}).replace("Infinity", "1e999")

    with pytest.raises(DecodeError) as caught:
        load(text.encode())

    assert caught.value.problems == (f"expected {expected} @ $.{field}",)


@pytest.mark.parametrize(
    ("field", "text"),
    [
        ("whole", "secret"),
        ("whole", "5.5"),
        ("whole", "1e9999"),
        ("share", "secret"),
        ("share", "inf"),
        ("money", "Basic Pay"),
        ("flag", "secret"),
        ("day", "1999-05"),
        ("day", "2024-01-31secret"),
        ("day", "2024-13-01"),
        ("moment", "secret"),
        ("moment", "2024-13-01"),
    ],
)
def test_an_unreadable_string_costs_only_its_field(field: str, text: str) -> None:
    """The field is None, the string is kept with its path, and all other fields are there."""
    drift, unread = Drift(), dict[str, str]()
    body = json.dumps([{"thing_id": "7", field: text, "text": "kept"}]).encode()

    (thing,) = load_hook(tuple[Thing, ...])(body, drift, unread)

    assert thing == Thing(thing_id="7", text="kept")
    assert unread == {f"$[0].{field}": text}
    assert dict(drift) == {f"Thing.{field}: unreadable": 1}


@attrs.frozen(kw_only=True)
class Whole(Model):
    """A model with things at several depths."""

    thing: Thing | None = None
    things: tuple[Thing, ...] | None = None
    must: tuple[Thing, ...] = ()
    numbers: tuple[int | None, ...] | None = None


def test_unreadable_strings_are_found_at_any_depth() -> None:
    """Each is kept by its path and counted by its model and field."""
    drift, unread = Drift(), dict[str, str]()
    odd = {"whole": "a", "parts": [{}, {"size": "b"}]}
    body = {"thing": odd, "things": [{}, odd], "must": [odd], "numbers": [1, "c"]}

    whole = load_hook(Whole)(json.dumps(body).encode(), drift, unread)

    assert whole.numbers == (1, None)
    assert whole.must == (Thing(parts=(Part(), Part())),)
    assert unread == {
        "$.thing.whole": "a",
        "$.thing.parts[1].size": "b",
        "$.things[1].whole": "a",
        "$.things[1].parts[1].size": "b",
        "$.must[0].whole": "a",
        "$.must[0].parts[1].size": "b",
        "$.numbers[1]": "c",
    }
    assert dict(drift) == {
        "Thing.whole: unreadable": 3,
        "Part.size: unreadable": 3,
        "Whole.numbers: unreadable": 1,
    }


def test_unreadable_strings_are_found_in_a_list_sent_as_a_string() -> None:
    """The string is read as the list that it contains, and the rest of the list is there."""
    drift, unread = Drift(), dict[str, str]()
    body = {"parts": json.dumps([{"size": 1}, {"size": "b"}]), "whole": "a"}

    thing = load_hook(Thing)(json.dumps(body).encode(), drift, unread)

    assert thing == Thing(parts=(Part(size=1), Part()))
    assert unread == {"$.parts[1].size": "b", "$.whole": "a"}
    assert drift["Part.size: unreadable"] == 1


@attrs.frozen(kw_only=True)
class Nested(Model):
    """A model that contains itself."""

    nested: "Nested | None" = None
    rows: "tuple[Nested, ...] | None" = None
    size: int | None = None


def test_unreadable_strings_are_found_in_a_model_that_contains_itself() -> None:
    """Their paths have any length."""
    unread = dict[str, str]()
    body = {"rows": [{"nested": {"rows": [{"size": "a"}, {"size": "7"}]}}]}

    nested = load_hook(Nested)(json.dumps(body).encode(), Drift(), unread)

    assert nested == Nested(rows=(Nested(nested=Nested(rows=(Nested(), Nested(size=7)))),))
    assert unread == {"$.rows[0].nested.rows[0].size": "a"}


@pytest.mark.parametrize("depth", [100, 450, 600, 900, 2000])
@pytest.mark.parametrize("core", ["{}", '{"size": "7"}', '{"size": []}'])
def test_a_model_that_contains_itself_deeply(depth: int, core: str) -> None:
    """A body is decoded or, at a depth that depends on Python, refused."""
    body = '{"nested": ' * depth + core + "}" * depth

    found = outcome(partial(load, into=Nested), body.encode())

    assert found is DecodeError or type(found) is Nested


def test_at_most_a_hundred_problems_are_collected() -> None:
    """A response with a million problems is not read to its end."""
    wrong = {"parts": [1] * 60}

    with pytest.raises(DecodeError) as caught:
        load(json.dumps([wrong] * 50).encode(), tuple[Thing, ...])

    assert len(caught.value.problems) == 100
    assert caught.value.problems[0] == "expected Part @ $[0].parts[0]"
    assert caught.value.problems[99] == "expected Part @ $[1].parts[39]"


def test_a_wrong_value_in_a_mapping_is_refused() -> None:
    """Values of a caller's mapping are not set to None, because nothing names their fields."""
    with pytest.raises(DecodeError) as caught:
        load(b'{"a": "secret"}', dict[str, int | None])

    assert caught.value.problems == ("expected int @ $['a']",)


def test_a_value_of_none_of_several_types_is_refused() -> None:
    """The error names all of them."""
    with pytest.raises(DecodeError) as caught:
        load(b'{"a": ["secret"]}', dict[str, int | bool])

    assert caught.value.problems == ("expected int or bool @ $['a']",)


def test_unreadable_strings_are_reported_with_other_problems() -> None:
    """If a response is refused anyway, its unreadable strings are among the problems."""
    with pytest.raises(DecodeError) as caught:
        load(b'{"day": "secret", "part": []}')

    assert set(caught.value.problems) == {"expected date @ $.day", "expected Part @ $.part"}


def test_every_problem_is_named() -> None:
    """All problems are reported together, with their paths."""
    with pytest.raises(DecodeError) as caught:
        load(b'[{"user_id": "1", "roles": [{"name": []}, "x"]}, {"email": {}}]', tuple[User, ...])

    assert set(caught.value.problems) == {
        "expected str @ $[0].roles[0].name",
        "expected Role @ $[0].roles[1]",
        "expected str @ $[1].email",
        "required, and missing @ $[1].user_id",
    }


@pytest.mark.parametrize("body", [b"null", b"[]", b'""', b'"secret"', b"5", b"true"])
def test_a_model_is_an_object(body: bytes) -> None:
    """Other JSON values are refused, even for a model whose fields are all optional."""
    with pytest.raises(DecodeError) as caught:
        load(body)

    assert caught.value.problems == ("expected another type @ $",)


def test_a_problem_with_a_type_of_the_caller_shows_no_value() -> None:
    """A body that a caller's type refuses is not repeated."""
    with pytest.raises(DecodeError) as caught:
        load(b'["secret"]', dict[str, int])

    assert "secret" not in str(caught.value)


def test_default_values_are_left_out() -> None:
    """A model becomes plain Python values at any depth, without its defaults."""
    thing = Thing(day=date(2024, 1, 31), part=Part(size=1), text="")

    assert unstructure(thing) == {"day": date(2024, 1, 31), "part": {"size": 1}, "text": ""}
