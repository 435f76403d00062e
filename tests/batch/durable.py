"""A store of purchases that outlives clients, a local Sikoia in memory, and what to buy there."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from typing import Any, cast

import anyio
import attrs
import httpx
from sandbox.documents import add_document

from sikoia_async import NewCompany, NewPerson, Sikoia
from sikoia_async._calls.operations import OPERATIONS
from sikoia_async.environments import local
from sikoia_async.resources.cases import Case, Company, Person
from sikoia_async.resources.checks import CheckType
from sikoia_async.resources.company_registry import RegistryReport
from sikoia_async.resources.credit_reports import CreditReport
from sikoia_async.sandbox import Credentials, Rate, Time
from sikoia_async.stores import MemoryStores, Purchase, PurchaseState, PurchaseStore, Stores
from sikoia_async.testing import MemorySandbox, client_of

__all__ = [
    "BUYS",
    "Buy",
    "DurableStore",
    "Killed",
    "Power",
    "Subjects",
    "connect",
    "new_sandbox",
    "new_store",
]


class Killed(BaseException):
    """Ends a client as kill -9 ends a process."""


@attrs.define
class Power:
    """What a client needs for each step; without it, no step is taken."""

    cut_at: int | None = None
    """The step at which the client is killed; None to let it live."""
    cut_after: str | None = None
    """The path of the POST whose response it does not live to see."""
    cut_after_intent: bool = False
    """Whether it is killed once it has recorded an intent."""
    steps: int = 0
    is_cut: bool = False

    def use(self) -> None:
        """Take a step.

        Raises:
            Killed: the client is dead.
        """
        self.is_cut = self.is_cut or self.steps == self.cut_at
        if self.is_cut:
            raise Killed
        self.steps += 1


class DurableStore:
    """A store of purchases that outlives its clients. Each change has a step before and after it.

    Args:
        inner: holds the purchases.
        power: of the client that uses it.
    """

    def __init__(self, inner: PurchaseStore, power: Power | None = None) -> None:
        self._inner = inner
        self._power = power or Power()

    async def intend(self, account: str, purchase: Purchase) -> Purchase:
        """Record an intent."""
        found: Purchase = await self._stepwise(self._inner.intend(account, purchase))
        if self._power.cut_after_intent:
            self._power.cut_at = self._power.steps
        return found

    async def change(self, account: str, purchase: Purchase, *, owner: str) -> bool:
        """Replace a purchase."""
        return bool(await self._stepwise(self._inner.change(account, purchase, owner=owner)))

    async def get(self, account: str, key: str) -> Purchase | None:
        """Return a purchase."""
        self._power.use()
        return await self._inner.get(account, key)

    async def list(
        self, account: str, states: Sequence[PurchaseState] = ()
    ) -> AsyncIterator[Purchase]:
        """Iterate over purchases."""
        self._power.use()
        async for purchase in self._inner.list(account, states):
            yield purchase

    async def _stepwise(self, change: Awaitable[Any]) -> Any:
        try:
            self._power.use()
        except BaseException:
            change.close()  # type: ignore[attr-defined]
            raise
        result = await change
        self._power.use()
        return result


class _Transport(httpx.AsyncBaseTransport):
    """Leads to a local Sikoia, with a step before each request and one after its response."""

    def __init__(self, inner: httpx.AsyncBaseTransport, power: Power) -> None:
        self._inner = inner
        self._power = power

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self._power.use()
        response = await self._inner.handle_async_request(request)
        if request.method == "POST" and request.url.path == self._power.cut_after:
            self._power.cut_at = self._power.steps
        response.stream = _Body(cast("httpx.AsyncByteStream", response.stream), self._power)
        return response


class _Body(httpx.AsyncByteStream):
    def __init__(self, inner: httpx.AsyncByteStream, power: Power) -> None:
        self._inner = inner
        self._power = power

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for chunk in self._inner:
            yield chunk
        self._power.use()

    async def aclose(self) -> None:
        await self._inner.aclose()


def _loop_time() -> float:
    try:
        return anyio.current_time()
    except RuntimeError:  # outside of an event loop
        return 0.0


def new_sandbox(**options: Any) -> MemorySandbox:
    """Return a local Sikoia without limits."""
    return MemorySandbox(
        credentials=Credentials(token_life=10**9),
        rate=Rate(requests_per_window=10**6),
        time=Time(clock=_loop_time),
        **options,
    )


def connect(
    sandbox: MemorySandbox, inner: PurchaseStore, power: Power | None = None, **options: Any
) -> Sikoia:
    """Return a client that makes its purchases durably."""
    power = power or Power()
    transport = _Transport(sandbox.transport, power)
    shared = Stores(purchases=DurableStore(inner, power))
    return Sikoia(
        sandbox.client_id,
        sandbox.client_secret,
        environment=local(sandbox.url),
        transport=transport,
        shared=shared,
        **options,
    )


def new_store() -> PurchaseStore:
    """Return an empty store."""
    purchases = MemoryStores().purchases
    assert purchases is not None
    return purchases


@attrs.frozen
class Subjects:
    """What is bought about."""

    case: Case
    company: Company
    person: Person
    registry_picklist: RegistryReport
    credit_picklist: CreditReport
    check: CheckType

    @classmethod
    async def create(cls, sandbox: MemorySandbox) -> "Subjects":
        """Create a case with a company and a person, and two requests with a picklist."""
        companies = [
            NewCompany(company_name="Acme", company_number="01234567", jurisdiction_code="GB"),
            NewCompany(
                company_name="Several Example Ltd",
                company_number="99000003",
                jurisdiction_code="GB",
            ),
        ]
        person = NewPerson(first_name="Wilma", last_name="Example")
        async with client_of(sandbox) as sikoia:
            case = await sikoia.cases.create(
                name="Loan", case_type="Business", companies=companies, persons=[person]
            )
            assert case.companies
            assert case.persons
            person_id = case.persons[0].person_id
            add_document(sandbox, "person", person_id, document_type="Payslip")
            acme, several = sorted(case.companies, key=lambda one: str(one.company_name))
            registry = await sikoia.company_registry.request(several)
            credit = await sikoia.credit_reports.request(several)
            types = await sikoia.checks.types()
            return cls(
                case,
                acme,
                case.persons[0],
                registry.first,
                credit.first,
                next(one for one in types if one.entity_type == "person"),
            )


Bought = Callable[[Sikoia, Subjects], tuple[Callable[..., Awaitable[Any]], Sequence[Any]]]


@attrs.frozen
class Buy:
    """A chargeable operation, and how to request it."""

    operation: str
    path: str
    request: Bought
    """Returns the method and its positional arguments."""
    arguments: Mapping[str, Any] = attrs.field(factory=dict[str, Any])

    async def once(self, sikoia: Sikoia, of: Subjects, key: str = "key", **options: Any) -> Any:
        """Buy it once."""
        method, args = self.request(sikoia, of)
        return await sikoia.purchases.once(key, method, *args, **self.arguments, **options)

    def times(self, sandbox: MemorySandbox, since: int = 0) -> int:
        """Return how often it was charged."""
        return sum(
            one.operation == self.path and bool(one.cost) for one in list(sandbox.ledger)[since:]
        )


def _buy(operation: str, request: Bought, **arguments: Any) -> Buy:
    api = next(one for one in OPERATIONS if one.name == operation)
    return Buy(operation, f"{api.method} {api.path}", request, arguments)


BUYS = {
    one.operation: one
    for one in (
        _buy("affordability.request", lambda s, of: (s.affordability.request, [of.person])),
        _buy("company_registry.request", lambda s, of: (s.company_registry.request, [of.company])),
        _buy("credit_reports.request", lambda s, of: (s.credit_reports.request, [of.company])),
        _buy("identity.request", lambda s, of: (s.identity.request, [of.person])),
        _buy("income.request", lambda s, of: (s.income.request, [of.person])),
        _buy("online_data.request", lambda s, of: (s.online_data.request, [of.company])),
        _buy(
            "screening.search_adverse_media",
            lambda s, of: (s.screening.search_adverse_media, [of.person]),
        ),
        _buy(
            "screening.search_peps_sanctions",
            lambda s, of: (s.screening.search_peps_sanctions, [of.person]),
        ),
        _buy(
            "checks.run_with_income",
            lambda s, of: (s.checks.run_with_income, [of.person, of.check]),
        ),
        _buy(
            "company_registry.resolve_picklist",
            lambda s, of: (s.company_registry.resolve_picklist, [of.registry_picklist, 1]),
        ),
        _buy(
            "company_registry.search",
            lambda s, _: (s.company_registry.search, []),
            company_name="Several Example Ltd",
            country_code="GB",
        ),
        _buy(
            "credit_reports.resolve_picklist",
            lambda s, of: (s.credit_reports.resolve_picklist, [of.credit_picklist, 1]),
        ),
        _buy("reports.excel", lambda s, of: (s.reports.excel, [of.person])),
    )
}
"""The chargeable operations of the API, by name."""
