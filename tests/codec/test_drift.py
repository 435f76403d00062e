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
    drift.compare(into, value)
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
        ({"text": 5}, "Thing.text: expected str, got another type"),
        ({"whole": "5"}, "Thing.whole: expected int, got a string"),
        ({"whole": Decimal("5.0")}, "Thing.whole: expected int, got another type"),
        ({"share": "0.5"}, "Thing.share: expected float, got a string"),
        ({"day": "2024-01-31T00:00:00Z"}, "Thing.day: expected date, got another format"),
        ({"moment": "2024-01-31"}, "Thing.moment: expected datetime, got another format"),
        ({"flag": "true"}, "Thing.flag: expected bool, got a string"),
        ({"flag": 1}, "Thing.flag: expected bool, got another type"),
        ({"day": 20240131}, "Thing.day: expected date, got another type"),
        ({"moment": 5}, "Thing.moment: expected datetime, got another type"),
        ({"day": ""}, "Thing.day: expected null, got an empty string"),
        ({"kind": ""}, "Thing.kind: expected null, got an empty string"),
        ({"part": ""}, "Thing.part: expected null, got an empty string"),
        ({"names": ""}, "Thing.names: expected null, got an empty string"),
        ({"names": '["a"]'}, "Thing.names: expected a list, got a string"),
        ({"names": [5]}, "Thing.names[]: expected str, got another type"),
        ({"kind": "C"}, "Thing.kind: unknown value"),
        ({"colour": None}, "Thing.colour: unknown field"),
        ({"part": {"size": "1"}}, "Part.size: expected int, got a string"),
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
        "Thing.whole: expected int, got a string": 2
    }
    assert seen(["a", 5], tuple[str, ...]) == {"$[]: expected str, got another type": 1}


def test_nothing_in_a_list_is_no_difference() -> None:
    """A null among the entries of a list is passed over."""
    assert seen({"names": ["a", None]}) == {}


@pytest.mark.parametrize("name", ["", "a b", "x" * 65, "ada@example.com", "\n", "é"], ids=ascii)
def test_odd_names_are_not_shown(name: str) -> None:
    """A field whose name might be a value, such as an address, is counted without it."""
    assert seen({name: 1}) == {"Thing.(name not shown): unknown field": 1}


def test_kinds_are_bounded() -> None:
    """An answer full of new names does not fill the memory; what is known is still counted."""
    drift = Drift()
    drift.compare(Thing, {f"f{number}": 1 for number in range(1500)})
    drift.compare(Thing, {"f0": 1, "f1400": 1})

    assert len(drift) == 1000
    assert drift["Thing.f0: unknown field"] == 2
    assert "Thing.f1400: unknown field" not in drift


def test_the_first_answer_of_a_type_and_one_in_64_are_due() -> None:
    """Looking costs time, so it is done now and then, for each type on its own."""
    drift = Drift()

    due = [number for number in range(129) if drift.is_due(Thing)]

    assert due == [0, 64, 128]
    assert drift.is_due(Part)


def test_drift_reads_like_a_mapping() -> None:
    """Users see a mapping of kinds to counts, and its repr."""
    drift = Drift()
    drift.count("Thing.whole", "expected int, got a string")
    drift.count("Thing.whole", "expected int, got a string")

    assert list(drift.items()) == [("Thing.whole: expected int, got a string", 2)]
    assert repr(drift) == "Drift({'Thing.whole: expected int, got a string': 2})"
    with pytest.raises(KeyError):
        _ = drift["else"]
