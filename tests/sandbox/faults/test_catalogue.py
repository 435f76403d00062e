"""The faults that have a name: what each does to a client on a real socket, and how it is found."""

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
class Met:
    """What becomes of a call that meets a fault."""

    error: str | None = None
    """The name of the error that the SDK raises; None where the call gets its answer."""
    requests: int = 1
    """How many requests the SDK makes for it, those of the fault included."""


LOST: Final = "ConnectionFailedError"
NO_SENSE: Final = "UnexpectedResponseError"
# What may go again goes again; what acts goes again only where it was certainly not processed.
ASKED: Final[Mapping[str, Met]] = {
    "expired token": Met(requests=2),
    "burst of 429": Met(requests=3),
    "burst of 429 with Retry-After": Met(requests=3),
    "server error": Met(requests=2),
    "brief outage": Met(requests=3),
    "outage": Met("ServerError", requests=3),
    "gateway page": Met(requests=2),
    "page of a proxy": Met(NO_SENSE),
    "other shape": Met(NO_SENSE),
    "empty body": Met(NO_SENSE),
    "slow answer": Met(),
    "no answer": Met(requests=2),
    "dripping body": Met(),
    "reset before work": Met(requests=2),
    "reset after work": Met(requests=2),
    "cut answer": Met(requests=2),
}
ACTED: Final[Mapping[str, Met]] = {
    "expired token": Met(requests=2),
    "burst of 429": Met(requests=3),
    "burst of 429 with Retry-After": Met(requests=3),
    "server error": Met("ServerError"),
    "brief outage": Met("ServerError"),
    "outage": Met("ServerError"),
    "gateway page": Met("ServerError"),
    "page of a proxy": Met(NO_SENSE),
    "other shape": Met(NO_SENSE),
    "empty body": Met(NO_SENSE),
    "slow answer": Met(),
    "no answer": Met("DeadlineExceededError"),
    "dripping body": Met(),
    "reset before work": Met(LOST),
    "reset after work": Met(LOST),
    "cut answer": Met(LOST),
}


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    """Run a local Sikoia with TLS on a real socket."""
    with Sandbox() as running:
        yield running


async def meet(sandbox: Sandbox, name: str, operation: str) -> Met:
    """Have a call of the SDK meet a fault, and tell what became of it."""
    sandbox.faults.inject(name, operation)
    client = Sikoia(
        sandbox.client_id,
        sandbox.client_secret,
        environment=local(sandbox.url),
        tls=sandbox.ca_file,
        quota=None,
        timeout=4 if name == "no answer" else 60,
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
        return Met(error, sikoia.stats().attempts)


@pytest.mark.anyio
@pytest.mark.parametrize("name", NAMED)
async def test_what_becomes_of_a_call(sandbox: Sandbox, name: str) -> None:
    """Of one that asks and one that acts; that nothing was done, or all, is what the line says."""
    became: dict[str, Met] = {}

    async def note(operation: str) -> None:
        became[operation] = await meet(sandbox, name, operation)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(note, USERS)
        tasks.start_soon(note, CREATE)

    assert became == {USERS: ASKED[name], CREATE: ACTED[name]}
    is_done = ACTED[name].error is None or "the work is done" in NAMED[name].about
    assert len(sandbox.state.cases) == is_done
    happened = {one.operation for one in sandbox.faults.triggered}
    assert happened == {USERS, CREATE}


def test_every_name_is_walked() -> None:
    """What is new in the table needs a row in both of these."""
    assert ASKED.keys() == ACTED.keys() == NAMED.keys()


@pytest.mark.parametrize("name", NAMED)
def test_a_name_stands_for_what_add_takes(name: str) -> None:
    """With any operation that needs a token, and from any request on."""
    named, added = create_app().faults, create_app().faults

    named.inject(name, CREATE, nth=3, after=60)
    added.add(CREATE, nth=3, after=60, **NAMED[name].arguments)

    assert named.planned == added.planned
    named.inject(name)
    assert named.planned[1].operation == "*"


@pytest.mark.parametrize("name", NAMED_DELIVERIES)
def test_a_delivery_has_named_faults_too(name: str) -> None:
    """What each does is for `tests/sandbox/deliveries/test_queue.py`."""
    named, added = DeliveryFaults(clock=float), DeliveryFaults(clock=float)

    named.inject(name, PAYSLIP, nth=3, after=60)
    added.add(PAYSLIP, nth=3, after=60, **NAMED_DELIVERIES[name].arguments)

    assert named.planned == added.planned
    named.inject(name)
    assert named.planned[1].event == "*"


def test_an_unknown_name_is_refused() -> None:
    """With the names that are near it, and nothing is planned."""
    app = create_app()

    with pytest.raises(ValueError, match="no fault is called 'burst of 428'; the nearest are burs"):
        app.faults.inject("burst of 428")
    with pytest.raises(ValueError, match=r"'doubel'; the nearest are doubled, .*, "):
        app.deliveries.faults.inject("doubel")

    assert not app.faults.planned
    assert not app.deliveries.faults.planned


def test_the_subject_of_a_named_fault_must_exist() -> None:
    """As with `add`."""
    app = create_app()

    with pytest.raises(ValueError, match="no operation is called 'GET /v2/user'"):
        app.faults.inject("outage", "GET /v2/user")
    with pytest.raises(ValueError, match="no event is called 'Payslip'"):
        app.deliveries.faults.inject("lost", "Payslip")


@pytest.mark.parametrize(
    ("heading", "named"), [("## Faults", NAMED), ("## Deliveries to webhooks", NAMED_DELIVERIES)]
)
def test_the_names_are_in_the_documentation(heading: str, named: Mapping[str, NamedFault]) -> None:
    """Each with its line, in the same order."""
    section = PAGE.read_text(encoding="utf-8").partition(f"\n{heading}\n")[2].partition("\n## ")[0]
    table = section.partition("| name | what happens |\n|---|---|\n")[2].partition("\n\n")[0]

    rows = re.findall(r"^\| `(.+?)` \| (.+) \|$", table, re.MULTILINE)

    assert rows == [(name, fault.about) for name, fault in named.items()]
