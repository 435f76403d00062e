"""The retry policy: which requests are retried, and after which pause."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from itertools import groupby, product
from operator import itemgetter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sikoia_async._retry.policy import RetryClass, RetryPolicy, is_retryable, retry_after
from sikoia_async._transport.types import Reached

NOW = "Sun, 06 Nov 1994 08:49:37 GMT"

RETRY_CLASSES: tuple[RetryClass, ...] = ("safe", "idempotent", "unsafe")
FAULTS: tuple[Reached, ...] = ("unsent", "sent", "partial")
# The verdict for each outcome and retry class, in a form that a reviewer can read.
VERDICTS = (Path(__file__).parent / "verdicts.txt").read_text(encoding="utf-8")


def verdicts() -> Iterator[str]:
    """Yield a row for each verdict; consecutive statuses with equal verdicts share one."""
    yield f"{'outcome':24}{'safe':12}{'idempotent':12}{'unsafe':12}{'unsafe with a key'}"
    for reached, final in product(FAULTS, (False, True)):
        name = f"{reached}, for good" if final else reached
        yield row(name, reached=reached, final=final)
    decided = ((row("", status=status), status) for status in range(100, 600))
    for verdict, pairs in groupby(decided, key=itemgetter(0)):
        statuses = [status for _, status in pairs]
        first, last = statuses[0], statuses[-1]
        yield (str(first) if first == last else f"{first} to {last}").ljust(24) + verdict[24:]


def row(name: str, **outcome: Any) -> str:
    """Return the row of one outcome."""
    said = [is_retryable(retry_class, **outcome) for retry_class in RETRY_CLASSES]
    said.append(is_retryable("unsafe", keyed=True, **outcome))
    return name.ljust(24) + "".join(("retry" if one else "-").ljust(12) for one in said).rstrip()


def test_every_verdict_is_the_reviewed_one() -> None:
    """The whole table, compared with a reviewed file."""
    assert "\n".join(verdicts()) + "\n" == VERDICTS


@pytest.mark.parametrize("retry_class", ["safe", "idempotent"])
def test_a_key_changes_nothing_for_repeatable_requests(retry_class: RetryClass) -> None:
    """Only unsafe requests need one."""
    for reached in FAULTS:
        said = is_retryable(retry_class, reached=reached)
        assert is_retryable(retry_class, reached=reached, keyed=True) == said
    for status in (404, 409, 429, 500):
        assert is_retryable(retry_class, status=status, keyed=True) == is_retryable(
            retry_class, status=status
        )


@given(
    st.integers(200, 599).filter(lambda status: status != 429),
    st.sampled_from(["sent", "partial"]),
)
def test_an_unsafe_request_is_never_sent_twice(status: int, reached: Reached) -> None:
    """Whatever the response, except a 429, and whenever the connection breaks."""
    assert not is_retryable("unsafe", status=status)
    assert not is_retryable("unsafe", reached=reached)


@given(st.integers(0, 10_000), st.floats(0, 1))
def test_pauses_grow_to_a_cap(retry: int, jitter: float) -> None:
    """Each pause is drawn from 0 to twice the previous maximum, and 8 s at most."""
    seconds = RetryPolicy(jitter=lambda: jitter).pause(retry, None)

    assert 0 <= seconds <= 8
    assert seconds == pytest.approx(jitter * min(8, 0.5 * 2 ** min(retry, 10)))


@pytest.mark.parametrize(
    ("retry", "longest"), [(0, 0.5), (1, 1.0), (2, 2.0), (3, 4.0), (4, 8.0), (5, 8.0), (50, 8.0)]
)
def test_the_longest_pauses(retry: int, longest: float) -> None:
    """With the highest jitter, half a second doubles up to eight."""
    assert RetryPolicy(jitter=lambda: 1.0).pause(retry, None) == longest


@given(st.integers(0, 50), st.floats(0, 1e7), st.floats(0, 1))
def test_a_hint_is_never_shortened(retry: int, hint: float, jitter: float) -> None:
    """The pause is as long as the server asked, plus up to a tenth."""
    assert hint <= RetryPolicy(jitter=lambda: jitter).pause(retry, hint) <= hint * 1.1 + 1e-6


@pytest.mark.parametrize(
    ("value", "seconds"),
    [("0", 0.0), ("1", 1.0), ("007", 7.0), ("120", 120.0), ("9999999", 9999999.0)],
)
def test_whole_seconds_are_read(value: str, seconds: float) -> None:
    """One to seven digits are seconds."""
    assert retry_after(value, None) == seconds


@given(st.integers(-100_000, 10_000_000))
def test_dates_are_relative_to_the_servers_clock(seconds: int) -> None:
    """A date is compared with the Date header; a past one means now."""
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
def test_an_invalid_retry_after_is_ignored(value: str | None, date: str | None) -> None:
    """Any other value counts as no header."""
    assert retry_after(value, date) is None


@given(st.text(max_size=40), st.text(max_size=40))
def test_no_header_breaks_the_parser(value: str, date: str) -> None:
    """Whatever a server sends, the result is 0 or more seconds, or None."""
    seconds = retry_after(value, date)

    assert seconds is None or 0 <= seconds < float("inf")
