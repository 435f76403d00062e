"""Drift: what is counted, and that no value is kept."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any, Literal

import attrs
import pytest

from sikoia_async._codec.drift import Drift
from sikoia_async.models import Model, Open


@attrs.frozen(kw_only=True)
class Part(Model):
    """A part of a thing."""

    size: int | None = None


@attrs.frozen(kw_only=True)
class Thing(Model):
    """A model of these tests, with each kind of field."""

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


def seen(value: Any, into: Any = Thing) -> dict[str, int]:
    """Return what is counted of a value."""
    drift = Drift()
    drift.look(into, value)
    return dict(drift)


def test_what_is_as_announced_is_not_counted() -> None:
    """A value of each kind as the specification has it is no drift, and neither is null."""
    value = {
        "text": "",
        "whole": 5,
        "share": Decimal("0.5"),
        "money": Decimal("12.50"),
        "flag": True,
        "day": "2024-01-31",
        "moment": "2024-01-18T12:37:35.0000000+00:00",
        "kind": "A",
        "names": ["a", "b"],
        "part": {"size": 1},
        "parts": [{"size": None}, {}],
    }

    assert seen(value) == {}
    assert seen(dict.fromkeys(value)) == {}
    assert seen({"share": 1, "money": 1}) == {}


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ({"text": 5}, "Thing.text: another value for str"),
        ({"whole": "5"}, "Thing.whole: text for int"),
        ({"whole": Decimal("5.0")}, "Thing.whole: another value for int"),
        ({"share": "0.5"}, "Thing.share: text for float"),
        ({"day": "2024-01-31T00:00:00Z"}, "Thing.day: another form than that of a date"),
        ({"moment": "2024-01-31"}, "Thing.moment: another form than that of a datetime"),
        ({"flag": "true"}, "Thing.flag: text for bool"),
        ({"flag": 1}, "Thing.flag: another value for bool"),
        ({"day": 20240131}, "Thing.day: another value for date"),
        ({"moment": 5}, "Thing.moment: another value for datetime"),
        ({"day": ""}, "Thing.day: empty text for no value"),
        ({"kind": ""}, "Thing.kind: empty text for no value"),
        ({"part": ""}, "Thing.part: empty text for no value"),
        ({"names": ""}, "Thing.names: empty text for no value"),
        ({"names": '["a"]'}, "Thing.names: text for a list"),
        ({"names": [5]}, "Thing.names[]: another value for str"),
        ({"kind": "C"}, "Thing.kind: unknown value"),
        ({"colour": None}, "Thing.colour: unknown field"),
        ({"part": {"size": "1"}}, "Part.size: text for int"),
        ({"parts": [{"colour": 1}]}, "Part.colour: unknown field"),
    ],
    ids=str,
)
def test_each_difference_is_counted(value: dict[str, Any], kind: str) -> None:
    """A difference is counted under the model, the field and what is different, once."""
    assert seen(value) == {kind: 1}


def test_lists_of_models_are_looked_through() -> None:
    """Each entry counts; a list on its own is named by a dollar sign."""
    assert seen([{"whole": "1"}, {"whole": "2"}], tuple[Thing, ...]) == {
        "Thing.whole: text for int": 2
    }
    assert seen(["a", 5], tuple[str, ...]) == {"$[]: another value for str": 1}


def test_nothing_in_a_list_is_no_difference() -> None:
    """A null among the entries of a list is passed over."""
    assert seen({"names": ["a", None]}) == {}


@pytest.mark.parametrize("name", ["", "a b", "x" * 65, "ada@example.com", "\n", "é"], ids=ascii)
def test_odd_names_are_not_shown(name: str) -> None:
    """A field whose name might be a value, such as an address, is counted without it."""
    assert seen({name: 1}) == {"Thing.(a name that is not shown): unknown field": 1}


def test_kinds_are_bounded() -> None:
    """An answer full of new names does not fill the memory; what is known is still counted."""
    drift = Drift()
    drift.look(Thing, {f"f{number}": 1 for number in range(1500)})
    drift.look(Thing, {"f0": 1, "f1400": 1})

    assert len(drift) == 1000
    assert drift["Thing.f0: unknown field"] == 2
    assert "Thing.f1400: unknown field" not in drift


def test_the_first_answer_of_a_type_and_one_in_64_are_due() -> None:
    """Looking costs time, so it is done now and then, for each type on its own."""
    drift = Drift()

    due = [number for number in range(129) if drift.due(Thing)]

    assert due == [0, 64, 128]
    assert drift.due(Part)


def test_drift_reads_like_a_mapping() -> None:
    """Users see a mapping of kinds to counts, and its repr."""
    drift = Drift()
    drift.count("Thing.whole", "text for int")
    drift.count("Thing.whole", "text for int")

    assert list(drift.items()) == [("Thing.whole: text for int", 2)]
    assert repr(drift) == "Drift({'Thing.whole: text for int': 2})"
    with pytest.raises(KeyError):
        _ = drift["else"]
