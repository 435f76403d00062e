"""The two ways in which Sikoia writes a moment down."""

from datetime import UTC, datetime

from sikoia_async.sandbox.timestamps import long_timestamp, short_timestamp

MOMENT = datetime(2023, 2, 10, 10, 59, 46, 26_400, tzinfo=UTC)


def test_wide_has_seven_digits_and_an_offset() -> None:
    """A list of cases or users writes a moment to the tenth of a microsecond."""
    assert long_timestamp(MOMENT) == "2023-02-10T10:59:46.0264000+00:00"


def test_short_has_milliseconds_and_a_z() -> None:
    """A single case writes a moment to the millisecond, cut and not rounded."""
    assert short_timestamp(MOMENT) == "2023-02-10T10:59:46.026Z"
