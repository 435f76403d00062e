"""The registry of a client's operations, and how events find them."""

import gc

import anyio
import attrs
import pytest
from tasks import make_registry

from sikoia_async.operations.kinds import OperationKind
from sikoia_async.operations.registry import OperationRegistry

pytestmark = [pytest.mark.anyio, pytest.mark.virtual_time]

INCOME = OperationKind(name="income", events=frozenset({"Income.Completed"}))
LOANS = OperationKind(name="loans", events=frozenset({"Loans.Completed", "All.Completed"}))
CHECK = OperationKind(name="check")


@attrs.define(eq=False, slots=False)
class _Fake:
    """Counts what the registry does to an operation."""

    ids: tuple[str, ...]
    done: bool = False
    woken: int = 0
    hurried: int = 0
    closed: int = 0

    def wake(self, event: str) -> bool:
        self.woken += 1
        return event != "known"

    def poll_soon(self) -> None:
        self.hurried += 1

    def close(self) -> None:
        self.closed += 1


def _add(registry: OperationRegistry, kind: OperationKind, *ids: str) -> _Fake:
    return registry.get_or_add(kind, ids, lambda: _Fake(ids))


async def test_an_operation_is_known_by_its_kind_and_ids() -> None:
    """As long as a caller holds it."""
    registry = make_registry()
    first, second = _add(registry, INCOME, "a", "1"), _add(registry, INCOME, "a", "2")

    assert _add(registry, INCOME, "a", "1") is first
    assert _add(registry, INCOME, "a", "2") is second is not first
    assert _add(registry, LOANS, "a", "1") is not first
    registry.close()
    assert first.closed == second.closed == 1


async def test_waiting_again_starts_a_new_operation_if_the_result_may_change() -> None:
    """A request has one result. An entity's data sources may be complete, and pending again."""
    registry, sources = make_registry(), OperationKind(name="sources", is_final=False)
    for kind, stays in ((INCOME, True), (sources, False)):
        first = _add(registry, kind, "a")
        assert _add(registry, kind, "a") is first
        first.done = True
        assert (_add(registry, kind, "a") is first) is stays


async def test_the_registry_keeps_no_operation_alive() -> None:
    """Once no caller holds an operation, no event finds it."""
    registry = make_registry()
    _add(registry, INCOME, "a")
    gc.collect()

    assert registry.live() == []
    assert registry.wake("event", "Income.Completed", ["a"]) == 0


async def test_an_event_wakes_the_operation_that_it_names() -> None:
    """Only of kinds that it announces, and once however often it names it."""
    registry = make_registry()
    income, loans, check = (_add(registry, kind, "a") for kind in (INCOME, LOANS, CHECK))
    other = _add(registry, INCOME, "b")

    assert registry.wake("event", "Income.Completed", iter(["x", "a", "a"])) == 1
    assert [one.woken for one in (income, loans, check, other)] == [1, 0, 0, 0]


async def test_an_event_of_unknown_type_may_announce_any_kind() -> None:
    """An unnecessary wake-up costs one call. Kinds without events are not woken."""
    registry = make_registry()
    operations = [_add(registry, kind, "a") for kind in (INCOME, LOANS, CHECK)]

    assert registry.wake("event", None, ["a"]) == 2
    assert [one.woken for one in operations] == [1, 1, 0]


@pytest.mark.parametrize("others", [0, 1])
async def test_an_event_may_precede_its_operation(others: int) -> None:
    """It overtook the response to the request, so the operation is woken when it is added.

    Also if the event names another live operation, for example that of the same case.
    """
    registry = make_registry()
    live = [_add(registry, INCOME, "case") for _ in range(others)]
    assert registry.wake("event", "Income.Completed", ["a", "case", "somebody@example.com"]) == len(
        live
    )

    assert _add(registry, INCOME, "a").woken == 1
    assert _add(registry, INCOME, "b").woken == 0
    assert _add(registry, CHECK, "a").woken == 0


async def test_an_early_event_is_forgotten_after_a_minute() -> None:
    """No event overtakes a response by more."""
    registry = make_registry()
    registry.wake("event", "Income.Completed", ["a"])
    await anyio.sleep(61)

    assert _add(registry, INCOME, "a").woken == 0


@pytest.mark.parametrize("most", [4096, 2])
async def test_the_oldest_early_events_are_forgotten(most: int) -> None:
    """However many events name nothing that is waited for."""
    registry = make_registry(max_remembered=most)
    for number in range(10_000):
        registry.wake("event", None, [str(number)])

    assert _add(registry, INCOME, str(9999 - most)).woken == 0
    assert _add(registry, INCOME, str(10_000 - most)).woken == 1


async def test_events_are_expected_of_kinds_that_have_any() -> None:
    """If the application feeds them."""
    assert not make_registry().expects_event(INCOME)
    assert make_registry(rely_on_events=True).expects_event(INCOME)
    assert not make_registry(rely_on_events=True).expects_event(CHECK)


async def test_after_a_lost_event_its_kind_is_polled_normally() -> None:
    """Half a minute after the end of one operation, until an event of its kind wakes another."""
    registry = make_registry(rely_on_events=True)
    income, loan = _add(registry, INCOME, "a"), _add(registry, LOANS, "a")
    registry.ended_without_event(INCOME, ("gone",))
    await anyio.sleep(29)
    assert registry.expects_event(INCOME)
    await anyio.sleep(2)

    assert not registry.expects_event(INCOME)
    assert registry.expects_event(LOANS)  # the webhook may subscribe to these events only
    assert (income.hurried, loan.hurried) == (1, 0)
    registry.wake("event", "Income.Completed", ["other"])
    assert not registry.expects_event(INCOME)
    registry.wake("event", "Income.Completed", ["a"])
    assert registry.expects_event(INCOME)
    assert income.woken == 1


async def test_several_lost_events_count_as_one() -> None:
    """The live operations are polled soon once, and not once for each."""
    registry = make_registry(rely_on_events=True)
    live = _add(registry, INCOME, "a")
    for number in range(3):
        registry.ended_without_event(INCOME, (str(number),))
    await anyio.sleep(31)

    assert not registry.expects_event(INCOME)
    assert live.hurried == 1


async def test_an_event_may_follow_the_poll_that_found_the_end() -> None:
    """It is not lost, so the others are still not polled."""
    registry = make_registry(rely_on_events=True)
    live = _add(registry, INCOME, "a")
    registry.ended_without_event(INCOME, ("gone",))
    await anyio.sleep(10)
    assert registry.wake("event", "Income.Completed", ["gone"]) == 0
    await anyio.sleep(100)

    assert registry.expects_event(INCOME)
    assert live.hurried == 0


async def test_one_lost_event_among_others_does_not_matter() -> None:
    """Events of the kind do arrive, so they are still expected."""
    registry = make_registry(rely_on_events=True)
    live = _add(registry, INCOME, "a")
    registry.ended_without_event(INCOME, ("gone",))
    await anyio.sleep(10)
    registry.wake("event", "Income.Completed", ["a"])
    await anyio.sleep(100)

    assert registry.expects_event(INCOME)
    assert live.hurried == 0


async def test_any_event_that_was_expected_restores_the_trust() -> None:
    """Whether it follows or precedes its operation."""
    registry = make_registry(rely_on_events=True)
    live = _add(registry, INCOME, "a")
    for is_late in (True, False):
        registry.ended_without_event(INCOME, ("first",))
        await anyio.sleep(20)
        registry.ended_without_event(INCOME, ("second",))
        await anyio.sleep(20)
        assert not registry.expects_event(INCOME)

        registry.wake("event", "Income.Completed", ["second" if is_late else "third"])
        third = _add(registry, INCOME, "third")
        assert registry.expects_event(INCOME)
        assert third.woken == (not is_late)
        del third
        await anyio.sleep(20)
        registry.wake("event", "Income.Completed", ["second"])
    assert live.woken == 0


async def test_a_kind_without_events_loses_none() -> None:
    """That one of its operations ends says nothing about other kinds."""
    registry = make_registry(rely_on_events=True)
    registry.ended_without_event(CHECK, ("gone",))
    await anyio.sleep(100)

    assert registry.expects_event(INCOME)


@pytest.mark.parametrize("most", [4096, 2])
async def test_the_oldest_expected_events_are_forgotten(most: int) -> None:
    """Thousands of operations may end at once."""
    registry = make_registry(rely_on_events=True, max_remembered=most)
    registry.ended_without_event(LOANS, ("forgotten",))
    registry.ended_without_event(INCOME, ("remembered",))
    for number in range(most - 1):
        registry.ended_without_event(INCOME, (str(number),))
    registry.wake("event", "Income.Completed", map(str, range(most)))
    await anyio.sleep(31)

    assert registry.expects_event(LOANS)
    assert not registry.expects_event(INCOME)


async def test_closing_reaches_every_operation() -> None:
    """Also those without ids, and those that are added later."""
    registry = make_registry()
    live, without_ids = _add(registry, INCOME, "a"), registry.add(_Fake(()))

    registry.close()

    assert (live.closed, without_ids.closed) == (1, 1)
    assert (_add(registry, INCOME, "b").closed, registry.add(_Fake(())).closed) == (1, 1)


@pytest.mark.parametrize("status", ["Odd", "Incomplete", "", None])
async def test_an_unknown_status_counts_as_running_and_is_noted(status: str | None) -> None:
    """A result is never assumed."""
    counted = list[str]()

    assert INCOME.state(status, counted.append) == "running"
    assert counted == ["taken for running"]


@pytest.mark.parametrize(
    ("status", "state"), [("pending ", "running"), ("COMPLETED", "done"), ("Cancelled", "failed")]
)
async def test_another_word_for_a_status_is_understood_and_noted(status: str, state: str) -> None:
    """Drift shows what Sikoia sends."""
    counted = list[str]()

    assert INCOME.state(status, counted.append) == state
    assert counted == [f"taken for {state}"]


@pytest.mark.parametrize(
    ("status", "state"), [("Pending", "running"), ("Complete", "done"), ("Failed", "failed")]
)
async def test_known_statuses(status: str, state: str) -> None:
    """They are not noted."""
    assert INCOME.state(status, pytest.fail) == state
