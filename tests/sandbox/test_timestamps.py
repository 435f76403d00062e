"""The two timestamp formats of the API."""

from datetime import UTC, datetime

from sikoia_async.sandbox.timestamps import long_timestamp, short_timestamp

MOMENT = datetime(2023, 2, 10, 10, 59, 46, 26_400, tzinfo=UTC)


def test_long_timestamps_have_seven_decimals_and_an_offset() -> None:
    """As in lists of cases and users."""
    assert long_timestamp(MOMENT) == "2023-02-10T10:59:46.0264000+00:00"


def test_short_timestamps_have_milliseconds_and_a_z() -> None:
    """As in single cases; they are cut off, not rounded."""
    assert short_timestamp(MOMENT) == "2023-02-10T10:59:46.026Z"
