"""Models of requests become plain Python values."""

from datetime import date

from codec.test_reader import Part, Thing

from sikoia_async._codec.converter import unstructure


def test_default_values_are_left_out() -> None:
    """A model becomes plain Python values at any depth, without its defaults."""
    thing = Thing(day=date(2024, 1, 31), part=Part(size=1), text="")

    assert unstructure(thing) == {"day": date(2024, 1, 31), "part": {"size": 1}, "text": ""}
