"""Differences between responses and models are counted, and no values are kept."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any, Literal

import attrs
import pytest

from sikoia_async._codec.drift import Drift
from sikoia_async._codec.loader import load_hook
from sikoia_async.models import Model, Open


@attrs.frozen(kw_only=True)
class Part(Model):
    """A part of a thing."""

    size: int | None = None


@attrs.frozen(kw_only=True)
class Thing(Model):
    """A model with a field of each kind."""

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


def counted(value: Any, into: Any = Thing) -> dict[str, int]:
    """Return the differences that are counted for a value."""
    drift = Drift()
    drift.compare(into, value)
    return dict(drift)


def test_values_as_specified_are_not_counted() -> None:
    """A value of each type in the specified form is not drift, and neither is null."""
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

    assert counted(value) == {}
    assert counted(dict.fromkeys(value)) == {}
    assert counted({"share": 1, "money": 1}) == {}


@pytest.mark.parametrize(
    ("value", "difference"),
    [
        ({"text": 5}, "Thing.text: expected str, got another type"),
        ({"whole": "5"}, "Thing.whole: expected int, got a string"),
        ({"whole": Decimal("5.0")}, "Thing.whole: expected int, got another type"),
        ({"share": "0.5"}, "Thing.share: expected float, got a string"),
        ({"day": "2024-01-31T00:00:00Z"}, "Thing.day: expected date, got another format"),
        ({"moment": "2024-01-31"}, "Thing.moment: expected datetime, got another format"),
        ({"moment": "2024-02-12T15:03:40"}, "Thing.moment: expected datetime, got no time zone"),
        ({"moment": "2024-02-12 15:03:40Z"}, "Thing.moment: expected datetime, got another format"),
        (
            {"moment": "2024-02-12T15:03:40+00"},
            "Thing.moment: expected datetime, got another format",
        ),
        ({"day": " 2024-01-31"}, "Thing.day: expected date, got another format"),
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
def test_each_difference_is_counted(value: dict[str, Any], difference: str) -> None:
    """A difference is counted once, under the model, the field and a description."""
    assert counted(value) == {difference: 1}


def test_every_item_of_a_list_is_compared() -> None:
    """Each item counts; the location of a list that is not in a model is a dollar sign."""
    assert counted([{"whole": "1"}, {"whole": "2"}], tuple[Thing, ...]) == {
        "Thing.whole: expected int, got a string": 2
    }
    assert counted(["a", 5], tuple[str, ...]) == {"$[]: expected str, got another type": 1}


def test_null_in_a_list_is_not_counted() -> None:
    """A null among the items of a list is skipped."""
    assert counted({"names": ["a", None]}) == {}


@pytest.mark.parametrize("name", ["", "a b", "x" * 65, "ada@example.com", "\n", "é"], ids=ascii)
def test_odd_names_are_not_shown(name: str) -> None:
    """A field whose name may be a value, such as an email address, is counted without it."""
    assert counted({name: 1}) == {"Thing.(name not shown): unknown field": 1}


def test_the_number_of_differences_is_bounded() -> None:
    """A response full of new names does not fill the memory; known ones are still counted."""
    drift = Drift()
    drift.compare(Thing, {f"f{number}": 1 for number in range(1500)})
    drift.compare(Thing, {"f0": 1, "f1400": 1})

    assert len(drift) == 1000
    assert drift["Thing.f0: unknown field"] == 2
    assert "Thing.f1400: unknown field" not in drift


def test_the_first_response_of_a_type_and_every_64th_are_due() -> None:
    """Comparing costs time, so it is sampled, separately for each type."""
    drift = Drift()

    due = [number for number in range(129) if drift.is_due(Thing)]

    assert due == [0, 64, 128]
    assert drift.is_due(Part)


_UNREADABLE = {
    "number": b"1e99999999999999999999",
    "digits": b"9" * 5000,
    "byte": b'"\xff"',
    "fraction": b"-0." + b"1" * 5000,
}


@pytest.mark.parametrize("odd", _UNREADABLE.values(), ids=_UNREADABLE)
def test_the_comparison_reads_what_the_decoder_skips(odd: bytes) -> None:
    """An unknown field may hold anything: the response decodes and the field is counted."""
    drift = Drift()
    body = b'{"whole": 5, "colour": ' + odd + b"}"

    assert {load_hook(Thing)(body, drift) for _ in range(130)} == {Thing(whole=5)}
    assert dict(drift) == {"Thing.colour: unknown field": 3}


@attrs.frozen(kw_only=True)
class Nested(Model):
    """A model that contains itself."""

    nested: "Nested | None" = None


def test_a_comparison_that_raises_costs_no_call() -> None:
    """The response is decoded, and the failure is counted as a difference of its own."""
    drift = Drift()
    value: dict[str, Any] = {}
    for _ in range(5000):  # deeper than Python code can follow
        value = {"nested": value}

    drift.compare(Nested, value)

    assert dict(drift) == {"$: comparison failed": 1}


def test_a_body_that_cannot_be_compared_costs_no_call() -> None:
    """A body that is not JSON at all is counted in the same way."""
    drift = Drift()

    drift.compare_body(Thing, b"{'a': 1}")
    drift.compare_body(Thing, b"[" * 100_000)

    assert dict(drift) == {"$: comparison failed": 2}


def test_drift_is_a_mapping() -> None:
    """Users see a mapping of differences to counts, and its repr."""
    drift = Drift()
    drift.count("Thing.whole", "expected int, got a string")
    drift.count("Thing.whole", "expected int, got a string")

    assert list(drift.items()) == [("Thing.whole: expected int, got a string", 2)]
    assert repr(drift) == "Drift({'Thing.whole: expected int, got a string': 2})"
    with pytest.raises(KeyError):
        _ = drift["else"]
