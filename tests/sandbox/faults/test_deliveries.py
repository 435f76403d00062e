"""The fault plan for webhook deliveries."""

from types import SimpleNamespace
from typing import Any, get_args

import hypothesis
import pytest
from hypothesis import strategies as st

from sikoia_async.sandbox.faults.deliveries import DeliveryFault, DeliveryFaults, Forgery

CHILD = "PayslipProcessing.Completed"


def test_the_plan_can_be_read() -> None:
    """Planned and triggered faults are two lists, and can be cleared."""
    faults = DeliveryFaults(clock=float)
    faults.add(delay=0.5, forge="key")
    faults.add(CHILD, times=3, drop=True)
    faults.take("IdentityVerification.Expired")

    assert faults.planned == (DeliveryFault(event=CHILD, times=3, drop=True),)
    assert faults.triggered == (("IdentityVerification.Expired", "forge='key', delay=0.5"),)
    assert repr(faults) == (
        f"<DeliveryFaults planned=['{CHILD}: drop=True']"
        " triggered=[\"IdentityVerification.Expired: forge='key', delay=0.5\"]>"
    )
    faults.clear()
    assert not faults.planned
    assert not faults.triggered
    assert faults.take(CHILD) is None


def test_events_can_be_listed() -> None:
    """A fault can be planned for each of them."""
    faults = DeliveryFaults(clock=float)

    for event in faults.events:
        faults.add(event, drop=True)

    assert len({*faults.events}) == 10
    assert tuple(one.event for one in faults.planned) == faults.events


def test_a_fault_can_start_later() -> None:
    """It counts deliveries only after its delay."""
    clock = SimpleNamespace(now=100.0)
    faults = DeliveryFaults(clock=lambda: clock.now)
    faults.add(CHILD, drop=True, after=60, nth=2)

    clock.now = 159.9
    early = [faults.take(CHILD) for _ in range(3)]
    clock.now = 160
    due = [faults.take(CHILD) is not None for _ in range(3)]

    assert early == [None] * 3
    assert due == [False, True, False]


_WHEN: dict[str, st.SearchStrategy[Any]] = {
    "nth": st.integers(1, 10**6),
    "times": st.integers(1, 10**6),
    "after": st.floats(0, 1e9),
}
_SENT: dict[str, st.SearchStrategy[Any]] = {
    "repeat": st.integers(1, 9),
    "forge": st.sampled_from(get_args(Forgery)),
}
_DELAY = {"delay": st.floats(0, 1e9)}
_HOLD, _DROP = {"hold": st.just(value=True)}, {"drop": st.just(value=True)}
_FAULTS = st.one_of(
    st.fixed_dictionaries(_DELAY, optional=_SENT | _WHEN),
    st.fixed_dictionaries(_HOLD, optional=_SENT | _WHEN),
    st.fixed_dictionaries(_DROP, optional=_DELAY | _WHEN),
)


@hypothesis.given(st.lists(st.tuples(st.sampled_from(["*", CHILD]), _FAULTS), max_size=4))
def test_a_script_plans_the_same_faults(planned: list[tuple[str, dict[str, Any]]]) -> None:
    """With all their arguments, in the same order."""
    first, second = DeliveryFaults(clock=float), DeliveryFaults(clock=float)
    for event, fault in planned:
        first.add(event, **fault)

    sandbox = SimpleNamespace(deliveries=SimpleNamespace(faults=second))
    exec(first.script(), {"sandbox": sandbox})  # noqa: S102 - scripts are to be executed

    assert second.planned == first.planned
    assert second.script() == first.script()


def test_a_script_counts_earlier_deliveries() -> None:
    """Whether or not a fault was planned for them."""
    faults = DeliveryFaults(clock=float)
    for _ in range(2):
        faults.take(CHILD)
    faults.inject("doubled", CHILD)

    assert faults.script() == (
        f"sandbox.deliveries.faults.add('{CHILD}', repeat=1)  # deliveries before this: 2"
    )


def test_an_event_must_exist() -> None:
    """The error has the closest names."""
    with pytest.raises(ValueError, match=r"'Payslip.Completed'; the closest are PayslipProc"):
        DeliveryFaults(clock=float).add("Payslip.Completed", hold=True)


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ({}, "expected an effect"),
        ({"hold": False}, "expected an effect"),
        ({"drop": True, "nth": 0}, "nth: expected at least 1"),
        ({"drop": True, "times": 0}, "times: expected at least 1"),
        ({"drop": True, "after": -1}, "after: expected at least 0"),
        ({"repeat": 0}, "repeat: expected at least 1"),
        ({"delay": -0.1}, "delay: expected at least 0"),
        ({"delay": float("nan")}, "delay: expected at least 0"),
        ({"forge": "stamp"}, "forge: expected one of key, body, signature, unsigned"),
        ({"hold": True, "delay": 1}, "omit delay"),
        ({"drop": True, "repeat": 1}, "omit repeat and forge"),
        ({"drop": True, "forge": "key"}, "omit repeat and forge"),
    ],
)
def test_invalid_arguments_are_refused(fault: dict[str, Any], error: str) -> None:
    """Numbers out of range and contradictions; nothing is planned."""
    faults = DeliveryFaults(clock=float)

    with pytest.raises(ValueError, match=error):
        faults.add(**fault)

    assert faults.planned == ()
