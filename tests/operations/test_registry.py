"""The operations of a client, and how events find them."""

import gc

import anyio
import attrs
import pytest

from sikoia_async.operations.registry import OperationKind, OperationRegistry
from sikoia_async.operations.token import TokenSigner

pytestmark = [pytest.mark.anyio, pytest.mark.virtual_time]

INCOME = OperationKind(name="income", events=frozenset({"Income.Completed"}))
LOANS = OperationKind(name="loans", events=frozenset({"Loans.Completed", "All.Completed"}))
CHECK = OperationKind(name="check")


@attrs.define(eq=False, slots=False)
class _Held:
    """Counts what is done to an operation."""

    ids: tuple[str, ...]
    done: bool = False
    woken: int = 0
    hurried: int = 0
    closed: int = 0

    def wake(self) -> None:
        self.woken += 1

    def hurry(self) -> None:
        self.hurried += 1

    def close(self) -> None:
        self.closed += 1


def _board(*, relies: bool = False) -> OperationRegistry:
    return OperationRegistry(TokenSigner("https://api.example", ""), relies=relies)


def _held(registry: OperationRegistry, kind: OperationKind, *ids: str) -> _Held:
    return registry.hold(kind, ids, lambda: _Held(ids))


async def test_an_operation_is_held_once() -> None:
    """As long as somebody holds it; with other ids it is another one, and both are ended."""
    registry = _board()
    first, second = _held(registry, INCOME, "a", "1"), _held(registry, INCOME, "a", "2")

    assert _held(registry, INCOME, "a", "1") is first
    assert _held(registry, INCOME, "a", "2") is second is not first
    assert _held(registry, LOANS, "a", "1") is not first
    registry.close()
    assert first.closed == second.closed == 1


async def test_who_waits_again_waits_for_another_result_where_there_may_be_one() -> None:
    """A request has one result; an entity's data sources may be complete, and pending again."""
    registry, sources = _board(), OperationKind(name="sources", lasting=False)
    for kind, stays in ((INCOME, True), (sources, False)):
        first = _held(registry, kind, "a")
        assert _held(registry, kind, "a") is first
        first.done = True
        assert (_held(registry, kind, "a") is first) is stays


async def test_nothing_is_kept_alive() -> None:
    """What nobody holds is gone, and no event finds it."""
    registry = _board()
    _held(registry, INCOME, "a")
    gc.collect()

    assert registry.wake("Income.Completed", ["a"]) == 0


async def test_an_event_wakes_what_it_names() -> None:
    """Of the kinds that it may be about, and once however often it names it."""
    registry = _board()
    income, loans, check = (_held(registry, kind, "a") for kind in (INCOME, LOANS, CHECK))
    other = _held(registry, INCOME, "b")

    assert registry.wake("Income.Completed", iter(["x", "a", "a"])) == 1
    assert [one.woken for one in (income, loans, check, other)] == [1, 0, 0, 0]


async def test_an_event_of_no_known_type_may_be_about_all() -> None:
    """Waking in vain costs one call; but of some kinds no event tells anything."""
    registry = _board()
    held = [_held(registry, kind, "a") for kind in (INCOME, LOANS, CHECK)]

    assert registry.wake(None, ["a"]) == 2
    assert [one.woken for one in held] == [1, 1, 0]


@pytest.mark.parametrize("others", [0, 1])
async def test_an_event_may_come_first(others: int) -> None:
    """It overtook the answer that began the operation: that is woken when it is held.

    Also where it names another one that is held: the case, say, that both are about.
    """
    registry = _board()
    held = [_held(registry, INCOME, "case") for _ in range(others)]
    assert registry.wake("Income.Completed", ["a", "case", "somebody@example.com"]) == len(held)

    assert _held(registry, INCOME, "a").woken == 1
    assert _held(registry, INCOME, "b").woken == 0
    assert _held(registry, CHECK, "a").woken == 0


async def test_what_came_first_is_forgotten_after_a_minute() -> None:
    """Nothing overtakes an answer by so much."""
    registry = _board()
    registry.wake("Income.Completed", ["a"])
    await anyio.sleep(61)

    assert _held(registry, INCOME, "a").woken == 0


async def test_of_what_came_first_not_too_much_is_kept() -> None:
    """Not more is kept than a few thousand hashes."""
    registry = _board()
    registry.wake(None, ["a"])
    for number in range(100):
        registry.wake(None, [f"{number}-{one}" for one in range(100)])

    assert len(registry._early) == 4096
    assert _held(registry, INCOME, "a").woken == 0


async def test_events_are_relied_on_where_there_are_any() -> None:
    """And where they are fed at all."""
    assert not _board().relies(INCOME)
    assert _board(relies=True).relies(INCOME)
    assert not _board(relies=True).relies(CHECK)
    assert _board().interval(INCOME) == INCOME.interval
    assert _board(relies=True).interval(INCOME).first == 60
    rare = _board(relies=True).interval(attrs.evolve(INCOME, rare=900.0))
    assert (rare.first, rare.most) == (900, 900)
    insisting = attrs.evolve(INCOME, insists=True)
    assert _board(relies=True).interval(insisting) == INCOME.interval


async def test_events_that_do_not_come_are_not_relied_on() -> None:
    """Half a minute after the end of one, until one comes that is about something."""
    registry = _board(relies=True)
    held, loan = _held(registry, INCOME, "a"), _held(registry, LOANS, "a")
    registry.ended(INCOME, ("gone",))
    await anyio.sleep(29)
    assert registry.relies(INCOME)
    await anyio.sleep(2)

    assert not registry.relies(INCOME)
    assert registry.relies(LOANS)  # to which nobody may have subscribed is another matter
    assert (held.hurried, loan.hurried) == (1, 0)
    registry.wake("Income.Completed", ["other"])
    assert not registry.relies(INCOME)
    registry.wake("Income.Completed", ["a"])
    assert registry.relies(INCOME)
    assert held.woken == 1


async def test_a_loss_of_trust_is_one() -> None:
    """However many have ended: all others are hurried once."""
    registry = _board(relies=True)
    held = _held(registry, INCOME, "a")
    for number in range(3):
        registry.ended(INCOME, (str(number),))
    await anyio.sleep(31)

    assert not registry.relies(INCOME)
    assert held.hurried == 1


async def test_an_event_may_come_after_its_end_was_found() -> None:
    """A poll has overtaken it: that is no loss, and the others are not asked about."""
    registry = _board(relies=True)
    held = _held(registry, INCOME, "a")
    registry.ended(INCOME, ("gone",))
    await anyio.sleep(10)
    assert registry.wake("Income.Completed", ["gone"]) == 0
    await anyio.sleep(100)

    assert registry.relies(INCOME)
    assert held.hurried == 0


async def test_one_lost_event_among_others_is_no_loss_of_trust() -> None:
    """Events do come: those of its like are still waited for."""
    registry = _board(relies=True)
    held = _held(registry, INCOME, "a")
    registry.ended(INCOME, ("gone",))
    await anyio.sleep(10)
    registry.wake("Income.Completed", ["a"])
    await anyio.sleep(100)

    assert registry.relies(INCOME)
    assert held.hurried == 0


async def test_trust_comes_back_with_any_event_that_was_waited_for() -> None:
    """With one that is late, and with one that is early."""
    registry = _board(relies=True)
    held = _held(registry, INCOME, "a")
    for late in (True, False):
        registry.ended(INCOME, ("first",))
        await anyio.sleep(20)
        registry.ended(INCOME, ("second",))
        await anyio.sleep(20)
        assert not registry.relies(INCOME)

        registry.wake("Income.Completed", ["second" if late else "third"])
        kept = _held(registry, INCOME, "third")
        assert registry.relies(INCOME)
        assert kept.woken == (not late)
        del kept
        await anyio.sleep(20)
        registry.wake("Income.Completed", ["second"])
    assert held.woken == 0


async def test_a_kind_without_events_misses_none() -> None:
    """That one ends without an event tells nothing about the others."""
    registry = _board(relies=True)
    registry.ended(CHECK, ("gone",))
    await anyio.sleep(100)

    assert registry.relies(INCOME)


async def test_of_what_is_late_not_too_much_is_kept() -> None:
    """Thousands may end at once."""
    registry = _board(relies=True)
    for number in range(10_000):
        registry.ended(INCOME, (str(number),))

    assert len(registry._late) == 4096


async def test_closing_ends_all() -> None:
    """Also those that nothing leads to but their address."""
    registry = _board()
    held, nameless = _held(registry, INCOME, "a"), registry.add(_Held(()))

    registry.close()

    assert (held.closed, nameless.closed) == (1, 1)
    assert (_held(registry, INCOME, "b").closed, registry.add(_Held(())).closed) == (1, 1)


@pytest.mark.parametrize(
    "status", ["Odd", "pending", "complete", "COMPLETE", " Complete", "", None]
)
async def test_a_status_that_is_not_known_is_running_and_noted(status: str | None) -> None:
    """So nothing is taken for a result that is none."""
    odd = list[int]()

    assert INCOME.state(status, lambda: odd.append(1)) == "running"
    assert odd == [1]


@pytest.mark.parametrize(
    ("status", "state"), [("Pending", "running"), ("Complete", "done"), ("Failed", "failed")]
)
async def test_the_statuses_that_are_known(status: str, state: str) -> None:
    """They are noted nowhere."""
    assert INCOME.state(status, pytest.fail) == state
