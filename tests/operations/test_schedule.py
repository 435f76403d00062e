"""The polling schedule, as the table in `schedule.txt` says, and the time until a 404 counts."""

import re
from collections.abc import Iterator
from pathlib import Path

import attrs
import pytest

from sikoia_async import Interval
from sikoia_async.operations.kinds import OperationKind
from sikoia_async.operations.schedule import Schedule

TABLE = Path(__file__).with_name("schedule.txt").read_text("utf-8")
HEADING = re.compile(
    r"(new|resumed), (growing|every (\d+) s)( by choice)?(, events expected)?, waits (\d+) s"
)
ROW = re.compile(r"    *([\d.]+) +(.+?)  +(poll at [\d.]+|wait|give up)")


def blocks() -> Iterator[tuple[str, list[tuple[float, str, str]]]]:
    """Yield the heading of each block, and its rows."""
    lines = [line for line in TABLE.splitlines() if line.strip() and not line.startswith("#")]
    headings = [at for at, line in enumerate(lines) if not line.startswith(" ")]
    for start, end in zip(headings, [*headings[1:], len(lines)], strict=True):
        yield lines[start], [_row(line) for line in lines[start + 1 : end]]


def _row(line: str) -> tuple[float, str, str]:
    match = ROW.fullmatch(line)
    assert match, f"not a row: {line}"
    return float(match[1]), match[2], match[3]


def _number(name: str, what: str, default: float | None) -> float | None:
    match = re.search(rf"{name} ([\d.]+)", what)
    return float(match[1]) if match else default


def _happens(schedule: Schedule, what: str, now: float, *, event_expected: bool) -> Schedule:
    """Return the schedule after what a row says."""
    jitter = _number("jitter", what, 0.0) or 0.0
    retry_after = _number("Retry-After", what, None)
    if what == "resumed":
        return schedule
    if what == "event":
        return schedule.event_arrived(now)
    if what.startswith("events lost"):
        return schedule.events_lost(now, jitter=jitter)
    if what.startswith("requested"):
        polls = int(_number("after", what, 0.0) or 0.0)
        schedule = attrs.evolve(schedule, polls=polls)
    else:
        schedule = schedule.poll_started()
    if "event meanwhile" in what:
        schedule = schedule.event_arrived(now)
    return schedule.poll_ended(
        now,
        jitter=jitter,
        event_expected=event_expected,
        retry_after=retry_after,
        has_failed=what.startswith("failed"),
    )


BLOCKS = list(blocks())


@pytest.mark.parametrize(("heading", "rows"), BLOCKS, ids=range(1, 1 + len(BLOCKS)))
def test_the_schedule_is_as_the_table_says(
    heading: str, rows: list[tuple[float, str, str]]
) -> None:
    """Each row of a block follows from those above it."""
    match = HEADING.fullmatch(heading)
    assert match, f"not a heading: {heading}"
    origin, _, pause, by_choice, events, timeout = match.groups()
    interval = Interval(first=float(pause), most=float(pause)) if pause else Interval()
    kind = OperationKind(name="report", interval=interval, has_custom_interval=bool(by_choice))
    schedule = Schedule.begin(kind, 0.0, is_new=origin == "new")

    expected, actual = list[tuple[float, str, str]](), list[tuple[float, str, str]]()
    for now, what, step in rows:
        schedule = _happens(schedule, what, now, event_expected=bool(events))
        found = schedule.next_step(
            now, deadline=float(timeout), timeout=float(timeout), event_expected=bool(events)
        )
        expected.append((now, what, step))
        actual.append((now, what, found if isinstance(found, str) else f"poll at {found:g}"))

    assert actual == expected


def test_every_row_is_read() -> None:
    """A row that the parser skips would not be tested."""
    rows = re.findall(r"^ +\d", TABLE, re.MULTILINE)

    assert sum(len(rows) for _, rows in BLOCKS) == len(rows)


@pytest.mark.parametrize(
    ("is_new", "visible_within", "seconds"),
    [(True, 0.0, 10.0), (True, 60.0, 60.0), (False, 0.0, 0.0), (False, 60.0, 60.0)],
)
def test_a_404_may_pass_for_some_seconds(
    is_new: bool, visible_within: float, seconds: float
) -> None:
    """A new request may not be visible yet, nor a resource that Sikoia creates on its own."""
    kind = OperationKind(name="report", visible_within=visible_within)
    schedule = Schedule.begin(kind, 100.0, is_new=is_new)

    assert schedule.may_be_invisible(99.9 + seconds)
    assert not schedule.may_be_invisible(100.0 + seconds)


def test_an_event_puts_the_next_poll_ahead_of_others() -> None:
    """Among polls that queue for the rate limit, the one with the fewest polls goes first."""
    kind = OperationKind(name="report")
    polled = Schedule.begin(kind, 0.0, is_new=True).poll_started().poll_started()

    assert polled.polls == 2
    assert polled.event_arrived(0.0).polls == -1
    assert polled.events_lost(0.0, jitter=0.0).polls == 0


def test_the_first_poll_with_events_may_be_late() -> None:
    """Kinds that take a person's time are first polled after a quarter of an hour."""
    kind = OperationKind(name="report", first_poll_with_events=900.0)

    assert kind.interval_with_events == Interval(first=900, most=900, factor=2)
