"""Named faults: their effect on a client on a real socket, and how to plan them."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

import anyio
import attrs
import pytest

from sikoia_async import Sikoia
from sikoia_async.environments import local
from sikoia_async.errors import CallError
from sikoia_async.sandbox import Sandbox, create_app
from sikoia_async.sandbox.faults.catalogue import NAMED, NAMED_DELIVERIES, NamedFault
from sikoia_async.sandbox.faults.deliveries import DeliveryFaults

PAGE = Path(__file__).parents[3] / "docs" / "pages" / "local.md"
USERS = "GET /v2/users"
CREATE = "POST /v2/cases"
PAYSLIP = "PayslipProcessing.Completed"


@attrs.frozen
class Outcome:
    """The outcome of a call that triggers a fault."""

    error: str | None = None
    """The name of the error that the SDK raises; None if the call succeeds."""
    requests: int = 1
    """How many requests the SDK sends, including those with the fault."""


LOST: Final = "ConnectionFailedError"
UNEXPECTED: Final = "UnexpectedResponseError"
# Safe requests are retried; unsafe ones only if they were certainly not processed.
SAFE: Final[Mapping[str, Outcome]] = {
    "expired token": Outcome(requests=2),
    "burst of 429": Outcome(requests=3),
    "burst of 429 with Retry-After": Outcome(requests=3),
    "server error": Outcome(requests=2),
    "brief outage": Outcome(requests=3),
    "outage": Outcome("ServerError", requests=3),
    "gateway page": Outcome(requests=2),
    "proxy page": Outcome(UNEXPECTED),
    "other shape": Outcome(UNEXPECTED),
    "empty body": Outcome(UNEXPECTED),
    "slow response": Outcome(),
    "no response": Outcome(requests=2),
    "dripping body": Outcome(),
    "reset before processing": Outcome(requests=2),
    "reset after processing": Outcome(requests=2),
    "truncated response": Outcome(requests=2),
}
UNSAFE: Final[Mapping[str, Outcome]] = {
    "expired token": Outcome(requests=2),
    "burst of 429": Outcome(requests=3),
    "burst of 429 with Retry-After": Outcome(requests=3),
    "server error": Outcome("ServerError"),
    "brief outage": Outcome("ServerError"),
    "outage": Outcome("ServerError"),
    "gateway page": Outcome("ServerError"),
    "proxy page": Outcome(UNEXPECTED),
    "other shape": Outcome(UNEXPECTED),
    "empty body": Outcome(UNEXPECTED),
    "slow response": Outcome(),
    "no response": Outcome("DeadlineExceededError"),
    "dripping body": Outcome(),
    "reset before processing": Outcome(LOST),
    "reset after processing": Outcome(LOST),
    "truncated response": Outcome(LOST),
}


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    """Run a local Sikoia with TLS on a real socket."""
    with Sandbox() as running:
        yield running


async def call(sandbox: Sandbox, name: str, operation: str) -> Outcome:
    """Make a call that triggers a fault, and return its outcome."""
    sandbox.faults.inject(name, operation)
    client = Sikoia(
        sandbox.client_id,
        sandbox.client_secret,
        environment=local(sandbox.url),
        tls=sandbox.ca_file,
        quota=None,
        timeout=4 if name == "no response" else 60,
    )
    error = None
    async with client as sikoia:
        try:
            if operation == USERS:
                assert len(await sikoia.users.list()) == len(sandbox.state.users)
            else:
                case = await sikoia.cases.create(name="Loan", case_type="Business")
                assert case.case_id in sandbox.state.cases
        except CallError as exc:
            error = type(exc).__name__
        return Outcome(error, sikoia.stats().attempts)


@pytest.mark.anyio
@pytest.mark.parametrize("name", NAMED)
async def test_the_sdk_handles_each_fault(sandbox: Sandbox, name: str) -> None:
    """A safe call and an unsafe one; the description says whether the request was processed."""
    outcomes: dict[str, Outcome] = {}

    async def record(operation: str) -> None:
        outcomes[operation] = await call(sandbox, name, operation)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(record, USERS)
        tasks.start_soon(record, CREATE)

    assert outcomes == {USERS: SAFE[name], CREATE: UNSAFE[name]}
    is_processed = (
        UNSAFE[name].error is None or "the request is processed" in NAMED[name].description
    )
    assert len(sandbox.state.cases) == is_processed
    triggered = {one.operation for one in sandbox.faults.triggered}
    assert triggered == {USERS, CREATE}


def test_every_named_fault_has_an_expectation() -> None:
    """A new named fault needs a row in both tables."""
    assert SAFE.keys() == UNSAFE.keys() == NAMED.keys()


@pytest.mark.parametrize("name", NAMED)
def test_a_name_stands_for_arguments_of_add(name: str) -> None:
    """It can be combined with any operation that needs a token, and with conditions."""
    named, added = create_app().faults, create_app().faults

    named.inject(name, CREATE, nth=3, after=60)
    added.add(CREATE, nth=3, after=60, **NAMED[name].arguments)

    assert named.planned == added.planned
    named.inject(name)
    assert named.planned[1].operation == "*"


@pytest.mark.parametrize("name", NAMED_DELIVERIES)
def test_a_name_stands_for_arguments_of_add_for_deliveries(name: str) -> None:
    """Their effects are tested in `tests/sandbox/deliveries/test_queue.py`."""
    named, added = DeliveryFaults(clock=float), DeliveryFaults(clock=float)

    named.inject(name, PAYSLIP, nth=3, after=60)
    added.add(PAYSLIP, nth=3, after=60, **NAMED_DELIVERIES[name].arguments)

    assert named.planned == added.planned
    named.inject(name)
    assert named.planned[1].event == "*"


def test_an_unknown_name_is_refused() -> None:
    """The error has the closest names, and nothing is planned."""
    app = create_app()

    with pytest.raises(ValueError, match="unknown fault 'burst of 428'; the closest are burst"):
        app.faults.inject("burst of 428")
    with pytest.raises(ValueError, match=r"'doubel'; the closest are doubled, .*, "):
        app.deliveries.faults.inject("doubel")

    assert not app.faults.planned
    assert not app.deliveries.faults.planned


def test_the_subject_of_a_named_fault_must_exist() -> None:
    """As with `add`."""
    app = create_app()

    with pytest.raises(ValueError, match="unknown operation 'GET /v2/user'"):
        app.faults.inject("outage", "GET /v2/user")
    with pytest.raises(ValueError, match="unknown event 'Payslip'"):
        app.deliveries.faults.inject("lost", "Payslip")


@pytest.mark.parametrize(
    ("heading", "named"), [("## Faults", NAMED), ("## Webhook deliveries", NAMED_DELIVERIES)]
)
def test_the_names_are_in_the_documentation(heading: str, named: Mapping[str, NamedFault]) -> None:
    """With their descriptions, in the same order."""
    section = PAGE.read_text(encoding="utf-8").partition(f"\n{heading}\n")[2].partition("\n## ")[0]
    table = section.partition("| name | effect |\n|---|---|\n")[2].partition("\n\n")[0]

    rows = re.findall(r"^\| `(.+?)` \| (.+) \|$", table, re.MULTILINE)

    assert rows == [(name, fault.description) for name, fault in named.items()]
