"""The policy of retries: what may be sent twice, and after how long."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from itertools import product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sikoia_async._exchange import Reached
from sikoia_async._retry import pause, retry_after, worth_retrying

METHODS = ("GET", "HEAD", "PUT", "DELETE", "PATCH", "POST")
READS = ("GET", "HEAD")
IDEMPOTENT = ("GET", "HEAD", "PUT", "DELETE")
NOW = "Sun, 06 Nov 1994 08:49:37 GMT"

# What of an attempt, and the methods with which it is made again.
TABLE: list[tuple[dict[str, Any], tuple[str, ...]]] = [
    ({"reached": "unsent"}, METHODS),
    ({"reached": "unsent", "final": True}, ()),
    ({"reached": "sent"}, READS),
    ({"reached": "sent", "final": True}, ()),
    ({"reached": "partial"}, READS),
    ({"reached": "partial", "final": True}, ()),
    *(({"status": 429, "hinted": hinted}, METHODS) for hinted in (True, False)),
    ({"status": 503, "hinted": True}, IDEMPOTENT),
    ({"status": 503, "hinted": False}, READS),
    *(
        ({"status": status, "hinted": hinted}, READS)
        for status, hinted in product((500, 501, 502, 504, 520, 599), (True, False))
    ),
    *(
        ({"status": status, "hinted": hinted}, ())
        for status, hinted in product(
            (200, 202, 301, 400, 401, 403, 404, 408, 409, 422, 499), (True, False)
        )
    ),
]


@pytest.mark.parametrize(("attempt", "again"), TABLE, ids=[str(row[0]) for row in TABLE])
def test_who_is_tried_again(attempt: dict[str, Any], again: tuple[str, ...]) -> None:
    """What may have been processed is sent again only where twice is as good as once."""
    assert tuple(m for m in METHODS if worth_retrying(m, **attempt)) == again


@pytest.mark.parametrize(
    "attempt", [row for row, _ in TABLE if row != {"reached": "unsent"}], ids=str
)
@pytest.mark.parametrize("method", METHODS)
def test_what_may_cost_money_is_sent_once(method: str, attempt: dict[str, Any]) -> None:
    """A chargeable request is tried again only where it was not processed, even a GET."""
    again = worth_retrying(method, **attempt, chargeable=True)

    assert again is (attempt.get("status") == 429)
    assert worth_retrying(method, reached="unsent", chargeable=True)


@given(
    st.integers(200, 599).filter(lambda status: status != 429),
    st.booleans(),
    st.sampled_from(["sent", "partial"]),
)
def test_a_post_is_never_sent_twice(status: int, hinted: bool, reached: Reached) -> None:
    """Whatever an answer says but 429, and whenever a connection breaks, a POST goes out once."""
    assert not worth_retrying("POST", status=status, hinted=hinted)
    assert not worth_retrying("POST", reached=reached)


@given(st.integers(0, 10_000), st.floats(0, 1))
def test_pauses_grow_to_a_cap(retry: int, jitter: float) -> None:
    """A pause is drawn from 0 to twice the one before, and to 8 s at most."""
    seconds = pause(retry, None, jitter)

    assert 0 <= seconds <= 8
    assert seconds == pytest.approx(jitter * min(8, 0.5 * 2 ** min(retry, 10)))


@pytest.mark.parametrize(
    ("retry", "longest"), [(0, 0.5), (1, 1.0), (2, 2.0), (3, 4.0), (4, 8.0), (5, 8.0), (50, 8.0)]
)
def test_the_longest_pauses(retry: int, longest: float) -> None:
    """Without luck, the pauses are half a second, doubled up to eight."""
    assert pause(retry, None, 1.0) == longest


@given(st.integers(0, 50), st.floats(0, 1e7), st.floats(0, 1))
def test_a_hint_is_never_cut_short(retry: int, hint: float, jitter: float) -> None:
    """A server that says when to come is obeyed, with up to a tenth on top."""
    assert hint <= pause(retry, hint, jitter) <= hint * 1.1 + 1e-6


@pytest.mark.parametrize(
    ("value", "seconds"),
    [("0", 0.0), ("1", 1.0), ("007", 7.0), ("120", 120.0), ("9999999", 9999999.0)],
)
def test_whole_seconds_are_read(value: str, seconds: float) -> None:
    """One to seven digits are seconds."""
    assert retry_after(value, None) == seconds


@given(st.integers(-100_000, 10_000_000))
def test_dates_are_taken_against_the_servers_clock(seconds: int) -> None:
    """A date is as far away as the answer's own date says; one that is past means now."""
    now = datetime(2024, 2, 29, 12, 0, tzinfo=UTC)
    then = now + timedelta(seconds=seconds)
    value, date = (format_datetime(moment, usegmt=True) for moment in (then, now))

    assert retry_after(value, date) == max(0, seconds)


@pytest.mark.parametrize(
    ("value", "date"),
    [
        (None, NOW),
        ("", NOW),
        (" ", NOW),
        (" 5", NOW),
        ("5\n", NOW),
        ("5 s", NOW),
        ("-5", NOW),
        ("+5", NOW),
        ("1.5", NOW),
        ("1e3", NOW),
        ("1_0", NOW),
        ("0x10", NOW),
        ("nan", NOW),
        ("inf", NOW),
        ("\u0661\u0662", NOW),
        ("\uff15", NOW),
        ("12345678", NOW),
        ("1" + "0" * 400, NOW),
        ("Sunday, 06-Nov-94 08:49:37 GMT", NOW),
        ("Sun Nov  6 08:49:37 1994", NOW),
        ("Sun, 06 Nov 1994 08:49:37 +0000", NOW),
        ("Sun, 06 Nov 1994 08:49:37 EST", NOW),
        ("Sun, 99 Nov 1994 08:49:37 GMT", NOW),
        ("Sun, 06 Xyz 1994 08:49:37 GMT", NOW),
        ("Sun, 06 Nov 1994 25:61:61 GMT", NOW),
        ("Sun, \u0660\u0666 Nov 1994 08:49:37 GMT", NOW),
        (NOW, None),
        (NOW, ""),
        (NOW, "yesterday"),
    ],
    ids=ascii,
)
def test_what_is_no_hint_is_ignored(value: str | None, date: str | None) -> None:
    """A header that is not of the two forms is as good as none."""
    assert retry_after(value, date) is None


@given(st.text(max_size=40), st.text(max_size=40))
def test_no_header_breaks_the_reader(value: str, date: str) -> None:
    """Whatever a server sends, there is a hint of 0 or more seconds, or none."""
    seconds = retry_after(value, date)

    assert seconds is None or 0 <= seconds < float("inf")
