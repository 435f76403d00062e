"""What is repaired, what is refused with which words, and that both ways of decoding agree."""

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, Literal

import attrs
import pytest
import spec
from hypothesis import example, given, settings
from hypothesis import strategies as st

from sikoia_async._converter import structure, unstructure
from sikoia_async._drift import Drift
from sikoia_async._json import Misfit, load_hook, read_json
from sikoia_async.models import Model, Open
from sikoia_async.resources.cases import Case, CaseSummary
from sikoia_async.resources.users import User

SENT_ALWAYS = ("case_id", "name", "case_type", "stage", "company_id", "person_id", "user_id")


@attrs.frozen(kw_only=True)
class Part(Model):
    """A part of a thing."""

    size: int | None = None


@attrs.frozen(kw_only=True)
class Thing(Model):
    """A model of these tests, with each kind of field."""

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
    """Decode a body as an answer is decoded."""
    return load_hook(into)(body, Drift())


def by_cattrs(body: bytes) -> Any:
    """Decode a body by cattrs alone."""
    return structure(read_json(body), Thing)


def outcome(decode: Any, body: bytes) -> Any:
    """Return what came of decoding, or that it was refused."""
    try:
        return decode(body)
    except Misfit:
        return Misfit


@settings(deadline=None)
@pytest.mark.parametrize(
    ("into", "schema"),
    [(User, "User"), (CaseSummary, "Responses.CasesResponse"), (Case, "Responses.CaseResponse")],
    ids=["User", "CaseSummary", "Case"],
)
@given(st.data())
def test_both_ways_give_the_same_model(into: Any, schema: str, data: st.DataObject) -> None:
    """What msgspec decodes straight from the bytes is what cattrs makes of plain Python."""
    body = json.dumps(data.draw(spec.values(schema, always=SENT_ALWAYS))).encode()

    fast = load(body, into)

    assert fast == structure(read_json(body), into)
    assert type(fast) is into


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
    """Where one way takes a value in another form than announced, the other takes it for the same.

    Else a field would change its meaning with what else is in the answer.
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
    """A value in one of the forms that Sikoia is known to send becomes what it means."""
    found = getattr(way(json.dumps({field: value}).encode()), field)

    assert (found, type(found)) == (repaired, type(repaired))


@pytest.mark.parametrize(
    ("field", "value", "expected"),
    [
        ("thing_id", None, "str"),
        ("text", True, "str"),
        ("text", ["secret"], "str"),
        ("kind", {"secret": 1}, "str"),
        ("whole", "secret", "int"),
        ("whole", 5.5, "int"),
        ("whole", True, "int"),
        ("share", "secret", "float"),
        ("share", "inf", "float"),
        ("share", float("inf"), "float"),
        ("money", True, "Decimal"),
        ("money", "secret", "Decimal"),
        ("money", ["secret"], "Decimal"),
        ("flag", "secret", "bool"),
        ("flag", 2, "bool"),
        ("flag", 1.5, "bool"),
        ("must", None, "bool"),
        ("day", "secret", "date"),
        ("day", "2024-01-31secret", "date"),
        ("day", "2024-13-01", "date"),
        ("moment", "secret", "datetime"),
        ("moment", "2024-13-01", "datetime"),
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
def test_the_wrong_kind_is_refused(field: str, value: Any, expected: str) -> None:
    """What means nothing of the announced kind is named by path and kind, and not shown."""
    text = json.dumps({field: value}).replace("Infinity", "1e999")

    with pytest.raises(Misfit) as caught:
        load(text.encode())

    assert caught.value.problems == (f"expected {expected} @ $.{field}",)


def test_every_problem_is_named() -> None:
    """All that does not fit is told at once, with its path."""
    with pytest.raises(Misfit) as caught:
        load(b'[{"user_id": "1", "roles": [{"name": []}, "x"]}, {"email": {}}]', tuple[User, ...])

    assert set(caught.value.problems) == {
        "expected str @ $[0].roles[0].name",
        "expected Role @ $[0].roles[1]",
        "expected str @ $[1].email",
        "required, and missing @ $[1].user_id",
    }


@pytest.mark.parametrize("body", [b"null", b"[]", b'""', b'"secret"', b"5", b"true"])
def test_a_model_is_an_object(body: bytes) -> None:
    """What is no JSON object is no model, even where all of its fields may be absent."""
    with pytest.raises(Misfit) as caught:
        load(body)

    assert caught.value.problems == ("expected another value @ $",)


def test_a_problem_may_be_without_a_name() -> None:
    """What a user's own type refuses is named as well as can be."""
    with pytest.raises(Misfit) as caught:
        load(b'["secret"]', dict[str, int])

    assert "secret" not in str(caught.value)


def test_models_are_written_without_what_is_none() -> None:
    """A model becomes plain Python, at any depth, and its defaults are left out."""
    thing = Thing(day=date(2024, 1, 31), part=Part(size=1), text="")

    assert unstructure(thing) == {"day": date(2024, 1, 31), "part": {"size": 1}, "text": ""}
