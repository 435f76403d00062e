"""The fault plan of deliveries: what can be planned, and how it is read."""

from typing import Any

import pytest

from sikoia_async.sandbox.delivery_faults import DeliveryFault, DeliveryFaults

CHILD = "PayslipProcessing.Completed"


def test_the_plan_can_be_read() -> None:
    """What is to happen and what has happened stand in two lists, and both can be cleared."""
    faults = DeliveryFaults()
    faults.add(delay=0.5, forge="key")
    faults.add(CHILD, times=3, drop=True)
    faults.take("IdentityVerification.Expired")

    assert faults.planned == (DeliveryFault(event=CHILD, times=3, drop=True),)
    assert faults.happened == (("IdentityVerification.Expired", "forge='key', delay=0.5"),)
    assert repr(faults) == (
        f"<DeliveryFaults planned=['{CHILD}: drop=True']"
        " happened=[\"IdentityVerification.Expired: forge='key', delay=0.5\"]>"
    )
    faults.clear()
    assert not faults.planned
    assert not faults.happened
    assert faults.take(CHILD) is None


def test_an_event_must_exist() -> None:
    """What is no event is refused, with what might have been meant."""
    with pytest.raises(ValueError, match=r"'Payslip.Completed'; the nearest are PayslipProc"):
        DeliveryFaults().add("Payslip.Completed", hold=True)


@pytest.mark.parametrize(
    ("fault", "complaint"),
    [
        ({}, "what is to happen"),
        ({"hold": False}, "what is to happen"),
        ({"drop": True, "nth": 0}, "nth: give at least 1"),
        ({"drop": True, "times": 0}, "times: give at least 1"),
        ({"repeat": 0}, "repeat: give at least 1"),
        ({"delay": -0.1}, "delay: give at least 0"),
        ({"delay": float("nan")}, "delay: give at least 0"),
        ({"forge": "stamp"}, "forge: give one of key, body, signature, unsigned"),
        ({"hold": True, "delay": 1}, "leave out delay"),
        ({"drop": True, "repeat": 1}, "leave out repeat and forge"),
        ({"drop": True, "forge": "key"}, "leave out repeat and forge"),
    ],
)
def test_a_fault_must_make_sense(fault: dict[str, Any], complaint: str) -> None:
    """What is out of range or contradicts itself is refused, and not planned."""
    faults = DeliveryFaults()

    with pytest.raises(ValueError, match=complaint):
        faults.add(**fault)

    assert faults.planned == ()
