"""`sikoia.purchases`: one purchase for a key, and what becomes of those in doubt."""

import json
import logging
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import anyio
import attrs
import pytest
from batch.durable import (
    BUYS,
    Buy,
    DurableStore,
    Killed,
    Power,
    Subjects,
    connect,
    new_sandbox,
    new_store,
)

from sikoia_async import (
    ArgumentError,
    ArgumentTypeError,
    CallError,
    ChargeLimitError,
    ConfigurationError,
    InvalidRequestError,
    PurchaseInDoubtError,
    Quota,
    Sikoia,
    StoreError,
)
from sikoia_async.batch.adoption import ADOPTION
from sikoia_async.batch.hashes import hash_of_arguments, is_hash_of
from sikoia_async.batch.matching import candidates
from sikoia_async.batch.sikoia_time import SikoiaTime
from sikoia_async.operations.token import TokenSigner
from sikoia_async.resources.screening import ScreeningSearch
from sikoia_async.sandbox import Wire
from sikoia_async.stores import MemoryStores, Purchase, PurchaseStore, Stores
from sikoia_async.testing import MemorySandbox, client_of

pytestmark = [pytest.mark.anyio, pytest.mark.virtual_time]

LIST = "GET /v2/companies/{company_id}/credit-reports"
REPORT, SEARCH = BUYS["credit_reports.request"], BUYS["company_registry.search"]


@pytest.fixture
def sandbox() -> Iterator[MemorySandbox]:
    """Run a local Sikoia in memory."""
    with new_sandbox() as running:
        yield running


@pytest.fixture
async def of(sandbox: MemorySandbox) -> Subjects:
    """Create what is bought about."""
    return await Subjects.create(sandbox)


@pytest.fixture
def store() -> PurchaseStore:
    """Return an empty store."""
    return new_store()


@pytest.fixture
async def sikoia(sandbox: MemorySandbox, store: PurchaseStore) -> AsyncIterator[Sikoia]:
    """Make a client that makes its purchases durably."""
    async with connect(sandbox, store) as client:
        yield client


class Failing(DurableStore):
    """A store of which one method fails, from a call of it on."""

    def __init__(self, method: str, error: Exception | None = None, after: int = 0) -> None:
        super().__init__(new_store())
        self._method = method
        self._error = error
        self._calls_left = after

    async def intend(self, account: str, purchase: Purchase) -> Purchase:
        """Record an intent, or fail."""
        await self._fail("intend")
        return await super().intend(account, purchase)

    async def change(self, account: str, purchase: Purchase, *, owner: str) -> bool:
        """Replace a purchase, or fail."""
        await self._fail("change")
        return await super().change(account, purchase, owner=owner)

    async def _fail(self, method: str) -> None:
        if method == self._method:
            self._calls_left -= 1
            if self._calls_left < 0:
                if self._error is None:
                    await anyio.sleep_forever()
                raise self._error or OSError


async def killed_while_buying(
    sandbox: MemorySandbox, of: Subjects, store: PurchaseStore, buy: Buy = REPORT, **options: Any
) -> None:
    """Buy something in a client that is killed before it reads the response."""
    power = Power(cut_after=buy.path.partition(" ")[2])
    header = "Idempotency-Key" if options.pop("idempotency", False) else None
    with suppress(Killed):
        async with connect(sandbox, store, power, idempotency_header=header) as sikoia:
            await buy.once(sikoia, of, **options)
    assert power.is_cut


async def killed_before_sending(
    sandbox: MemorySandbox, of: Subjects, store: PurchaseStore, buy: Buy = REPORT, **options: Any
) -> None:
    """Begin to buy something in a client that is killed once it has recorded the intent."""
    power = Power(cut_after_intent=True)
    with suppress(Killed):
        async with connect(sandbox, store, power) as sikoia:
            await buy.once(sikoia, of, **options)
    assert power.is_cut


async def listed(store: PurchaseStore) -> list[Purchase]:
    """Return what a store has recorded."""
    return [one async for one in store.list(next(iter(vars(store)["_purchases"])))]


async def test_the_same_key_returns_the_same_operation(
    sandbox: MemorySandbox, sikoia: Sikoia, of: Subjects, store: PurchaseStore
) -> None:
    """In the same client and in another one, whose operation has a first response, too."""
    first = await REPORT.once(sikoia, of)
    assert await REPORT.once(sikoia, of) is first

    async with connect(sandbox, store) as other:
        again = await REPORT.once(other, of)
        assert again.ids == first.ids
        assert again.first.status == "Complete"
        assert (await again).data == (await first).data
    assert REPORT.times(sandbox) == 2  # one of them for a picklist


async def test_concurrent_callers_with_one_key_buy_once(
    sandbox: MemorySandbox, sikoia: Sikoia, of: Subjects
) -> None:
    """They share the result, also if it cannot be fetched again."""
    results: list[Any] = []

    async def buy() -> None:
        results.append(await SEARCH.once(sikoia, of))

    async with anyio.create_task_group() as tasks:
        for _ in range(5):
            tasks.start_soon(buy)

    assert [len(matches) for matches in results] == [3] * 5
    assert SEARCH.times(sandbox) == 1


async def test_two_clients_with_one_key_buy_once(
    sandbox: MemorySandbox, sikoia: Sikoia, of: Subjects, store: PurchaseStore
) -> None:
    """The second one waits for the first."""
    results: list[Any] = []

    async def buy(client: Sikoia) -> None:
        results.append((await REPORT.once(client, of)).ids)

    async with connect(sandbox, store) as other, anyio.create_task_group() as tasks:
        for client in (sikoia, other):
            tasks.start_soon(buy, client)

    assert results[0] == results[1]
    assert REPORT.times(sandbox) == 2


async def test_a_key_belongs_to_its_arguments(sikoia: Sikoia, of: Subjects) -> None:
    """Other arguments and other methods are refused, and nothing of them is in the message."""
    await REPORT.once(sikoia, of)
    with pytest.raises(ArgumentError, match="other arguments") as raised:
        await sikoia.purchases.once(
            "key", sikoia.credit_reports.request, of.company, company_name="Other"
        )
    with pytest.raises(ArgumentError, match="other arguments"):
        await SEARCH.once(sikoia, of)
    assert "Other" not in str(raised.value)


async def test_concurrent_callers_cannot_change_the_arguments(
    sandbox: MemorySandbox, of: Subjects
) -> None:
    """The second caller is refused while the first one buys."""
    shared = Stores(purchases=Failing("intend"))
    async with client_of(sandbox, shared=shared) as sikoia, anyio.create_task_group() as tasks:
        tasks.start_soon(REPORT.once, sikoia, of)
        await anyio.sleep(1)
        with pytest.raises(ArgumentError, match="other arguments"):
            await SEARCH.once(sikoia, of)
        tasks.cancel_scope.cancel()
    assert SEARCH.times(sandbox) == 0


async def test_a_refused_request_frees_its_key(sikoia: Sikoia, of: Subjects) -> None:
    """Sikoia said that it was not processed: corrected arguments may be used."""
    with pytest.raises(InvalidRequestError):
        await sikoia.purchases.once(
            "key", sikoia.credit_reports.request, of.company, country_code="ZZ"
        )
    assert await REPORT.once(sikoia, of)
    with pytest.raises(ArgumentError, match="country_code"):
        await sikoia.purchases.once(
            "other", sikoia.credit_reports.request, of.company, country_code="Britain"
        )


async def test_a_search_without_matches_may_be_repeated(sikoia: Sikoia) -> None:
    """It costs nothing."""
    for _ in range(2):
        assert not await sikoia.purchases.once(
            "key",
            sikoia.company_registry.search,
            company_name="Unregistered Example Ltd",
            country_code="GB",
        )


async def test_the_limit_of_the_client_frees_the_key(
    sandbox: MemorySandbox, of: Subjects, store: PurchaseStore
) -> None:
    """A call that `max_chargeable` refuses was not sent."""
    async with connect(sandbox, store, max_chargeable=0) as sikoia:
        with pytest.raises(ChargeLimitError):
            await REPORT.once(sikoia, of)
        assert dict(sikoia.spend) == {}
    async with connect(sandbox, store, max_chargeable=1) as sikoia:
        await REPORT.once(sikoia, of)
        assert dict(sikoia.spend) == {"credit_reports.request": 1}


async def test_find_buys_both_of_its_requests_once(
    sandbox: MemorySandbox, sikoia: Sikoia, of: Subjects, store: PurchaseStore
) -> None:
    """A request with a picklist, and the one that resolves it."""

    async def find(client: Sikoia, index: int) -> Any:
        return await client.purchases.once(
            "key",
            client.credit_reports.find,
            of.company,
            company_number="99000003",
            pick=lambda matches: matches[index],
        )

    report = await find(sikoia, 0)
    async with connect(sandbox, store) as other:
        assert (await find(other, 0)).request_id == report.request_id
        with pytest.raises(ArgumentError, match="other arguments"):
            await find(other, 1)
    sandbox.ledger.assert_nothing_charged_twice()


async def test_a_picklist_is_resolved_without_the_key(
    sandbox: MemorySandbox, sikoia: Sikoia, of: Subjects
) -> None:
    """What `once` returned makes calls of its own, which are not part of the purchase."""
    operation = await sikoia.purchases.once(
        "key", sikoia.credit_reports.request, of.company, company_number="99000003"
    )
    assert operation.first.picklist
    resolved = [await operation.first.resolve(index) for index in (1, 2)]
    assert resolved[0].ids != resolved[1].ids
    assert BUYS["credit_reports.resolve_picklist"].times(sandbox) == 2


async def test_views_and_requests_of_the_client_can_be_used(sikoia: Sikoia, of: Subjects) -> None:
    """A method of a view keeps its options; one of the client itself makes an unknown request."""
    view = sikoia.with_options(correlation_id="mine")
    operation = await sikoia.purchases.once("key", view.credit_reports.request, of.company)
    assert operation.first.response.sent_correlation_id == "mine"

    path, body = "/v2/company-registry-data/search", {"company_name": "Acme", "country_code": "GB"}
    found = await sikoia.purchases.once(
        "other", sikoia.request, "POST", path, body=body, chargeable=True
    )
    assert found[0]["company_name"]
    with pytest.raises(ConfigurationError, match=r"expected sikoia\.credit_reports\.request"):
        await sikoia.purchases.once(
            "third", sikoia.request, "POST", "/v2/company-credit-reports", chargeable=True
        )
    task = await sikoia.purchases.once(
        "fourth", sikoia.start, "POST", path, into=object, body=body, chargeable=True
    )
    assert task.done
    with pytest.raises(ConfigurationError, match="expected one that may cost"):
        await sikoia.purchases.once("fifth", sikoia.start, "POST", path, into=object, body=body)


async def test_a_workbook_is_saved_once(sikoia: Sikoia, of: Subjects, tmp_path: Any) -> None:
    """Another file under the same key is not bought."""
    path = tmp_path / "report.xlsx"
    size = await sikoia.purchases.once("key", sikoia.reports.save_excel, of.person, path)
    assert path.stat().st_size == size
    with pytest.raises(PurchaseInDoubtError, match="cannot return its result again"):
        await sikoia.purchases.once("key", sikoia.reports.save_excel, of.person, path)


@pytest.mark.parametrize("name", ["cases.list", "credit_reports.retrieve", "webhooks.event_types"])
async def test_methods_that_cost_nothing_are_refused(
    sandbox: MemorySandbox, sikoia: Sikoia, name: str
) -> None:
    """Before anything is sent."""
    since = len(sandbox.ledger)
    resource, method = name.split(".")
    args = ["an-id"] if method == "retrieve" else []
    with pytest.raises((ConfigurationError, TypeError), match=r"method: expected|await"):
        await sikoia.purchases.once("key", getattr(getattr(sikoia, resource), method), *args)
    assert len(sandbox.ledger) == since


async def test_bad_arguments_are_refused(
    sandbox: MemorySandbox, sikoia: Sikoia, of: Subjects
) -> None:
    """The message says what is expected."""
    method: Any = sikoia.credit_reports.request
    not_text: Any = 7
    with pytest.raises(ArgumentTypeError, match="key: expected a string"):
        await sikoia.purchases.once(not_text, method, of.company)
    with pytest.raises(ArgumentError, match="key: expected 1 to 1,000 characters"):
        await sikoia.purchases.once("", method, of.company)
    with pytest.raises(ArgumentTypeError, match="method: expected a method of a resource"):
        await sikoia.purchases.once("key", len, of.company)  # type: ignore[call-overload]
    async with client_of(sandbox) as other:
        with pytest.raises(ConfigurationError, match="a method of this client"):
            await sikoia.purchases.once("key", other.credit_reports.request, of.company)
    with pytest.raises(ConfigurationError, match="grace"):
        sikoia.purchases.with_options(grace=-1)
    with pytest.raises(ArgumentTypeError, match="buy_in_doubt"):
        await sikoia.purchases.once("key", method, of.company, buy_in_doubt=not_text)
    with pytest.raises(ArgumentError, match="outcome"):
        await sikoia.purchases.resolve("key", not_text)
    with pytest.raises(ArgumentError, match="none in doubt has this key"):
        await sikoia.purchases.resolve("key", "bought")


async def test_without_a_durable_store_nothing_is_bought(
    sandbox: MemorySandbox, of: Subjects
) -> None:
    """The error says what to pass."""
    since = len(sandbox.ledger)
    for shared, problem in ((None, "without a durable store"), (MemoryStores(), "forgets")):
        async with client_of(sandbox, shared=shared) as sikoia:
            with pytest.raises(ConfigurationError, match=rf"{problem}.*SqliteStores"):
                await REPORT.once(sikoia, of)
    assert len(sandbox.ledger) == since


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (OSError("password"), StoreError),
        (None, StoreError),
        (ConfigurationError("a newer file"), ConfigurationError),
    ],
    ids=["fails", "hangs", "refuses"],
)
async def test_no_purchase_without_a_recorded_intent(
    sandbox: MemorySandbox, of: Subjects, error: Exception | None, expected: type[Exception]
) -> None:
    """If the store is down, the request is not sent."""
    async with client_of(sandbox, shared=Stores(purchases=Failing("intend", error))) as sikoia:
        with pytest.raises(expected) as raised:
            await REPORT.once(sikoia, of)
    assert "password" not in str(raised.value)
    assert REPORT.times(sandbox) == 1  # for a picklist


async def test_a_store_that_fails_afterwards_loses_no_result(
    sandbox: MemorySandbox, of: Subjects, caplog: pytest.LogCaptureFixture
) -> None:
    """The result is returned, a warning logged, and the request adopted by the next caller."""
    store = Failing("change", OSError("password"))
    with caplog.at_level(logging.WARNING, "sikoia_async"):
        async with client_of(sandbox, shared=Stores(purchases=store)) as sikoia:
            first = await REPORT.once(sikoia, of)
    assert "the outcome of a purchase was not recorded" in caplog.text
    assert "password" not in caplog.text
    store._calls_left = 100
    async with client_of(sandbox, shared=Stores(purchases=store)) as sikoia:
        assert (await REPORT.once(sikoia, of)).ids == first.ids


@pytest.mark.parametrize("fault", ["reset after processing", "other shape", "no response"])
async def test_a_lost_response_is_found_by_the_next_call(
    sandbox: MemorySandbox, sikoia: Sikoia, of: Subjects, fault: str
) -> None:
    """The error of the first call reaches the caller; then the request is adopted."""
    sandbox.faults.inject(fault, REPORT.path)
    with pytest.raises(CallError) as raised:
        await REPORT.once(sikoia, of)
    assert raised.value.may_have_been_processed
    operation = await REPORT.once(sikoia, of)
    assert (await operation).data
    assert REPORT.times(sandbox) == 2


async def test_a_call_that_never_took_effect_is_made_anew(
    sandbox: MemorySandbox, sikoia: Sikoia, of: Subjects
) -> None:
    """The client cannot know that, and looks first. The second failure is looked for, too."""
    sandbox.faults.inject("reset before processing", REPORT.path)
    sandbox.faults.inject("reset before processing", REPORT.path)
    for _ in range(2):
        with pytest.raises(CallError):
            await REPORT.once(sikoia, of)
    assert await REPORT.once(sikoia, of)
    assert REPORT.times(sandbox) == 2


async def test_a_cancelled_call_frees_its_key_if_nothing_was_sent(
    sandbox: MemorySandbox, of: Subjects
) -> None:
    """Cancelled while the intent is recorded, and while the request waits for the rate limit."""
    store = Failing("intend")
    async with client_of(sandbox, shared=Stores(purchases=store)) as sikoia:
        with anyio.move_on_after(1):
            await REPORT.once(sikoia, of)
    async with connect(sandbox, inner := new_store(), quota=Quota(limit=3)) as sikoia:
        await sikoia.users.list()
        await sikoia.users.list()
        with anyio.move_on_after(1) as scope:
            await REPORT.once(sikoia, of)
        assert scope.cancelled_caught
        [purchase] = await listed(inner)
        assert purchase.state == "refused"
    assert REPORT.times(sandbox) == 1


async def test_a_purchase_in_doubt_is_never_made_again_by_itself(
    sandbox: MemorySandbox, sikoia: Sikoia, of: Subjects, store: PurchaseStore
) -> None:
    """A person says what became of it, or risks it."""
    await killed_while_buying(sandbox, of, store, SEARCH)
    with pytest.raises(PurchaseInDoubtError, match="does not list searches"):
        await SEARCH.once(sikoia, of)
    with pytest.raises(PurchaseInDoubtError, match="does not list searches") as raised:
        await SEARCH.once(sikoia, of)
    assert SEARCH.times(sandbox) == 1

    [doubt] = await sikoia.purchases.doubts()
    assert doubt == (await sikoia.purchases.look())[0]
    assert doubt.is_for("key")
    assert not doubt.is_for("other")
    assert doubt.key == raised.value.key
    assert doubt.operation == raised.value.operation == "company_registry.search"
    assert doubt.correlation_id == raised.value.correlation_id
    assert doubt.intended_at == raised.value.intended_at
    assert "does not list searches" in doubt.advice

    assert len(await SEARCH.once(sikoia, of, buy_in_doubt=True)) == 3
    assert not await sikoia.purchases.doubts()


async def test_a_person_resolves_a_doubt(
    sandbox: MemorySandbox, sikoia: Sikoia, of: Subjects, store: PurchaseStore
) -> None:
    """Not bought: it is bought. Bought: it is not, and is returned if its id is known."""
    resolve = BUYS["credit_reports.resolve_picklist"]
    for key in ("a", "b", "c"):
        await killed_while_buying(sandbox, of, store, resolve, key=key)
        with pytest.raises(PurchaseInDoubtError):
            await resolve.once(sikoia, of, key)
    [first, *_] = await sikoia.purchases.doubts()
    await sikoia.purchases.resolve(first, "not bought")
    operation = await resolve.once(sikoia, of, "a")
    await sikoia.purchases.resolve("b", "bought", request_id=UUID(operation.ids[0]))
    assert (await resolve.once(sikoia, of, "b")).ids == operation.ids
    await sikoia.purchases.resolve("c", "bought")
    with pytest.raises(PurchaseInDoubtError, match="cannot return its result again"):
        await resolve.once(sikoia, of, "c")
    assert not await sikoia.purchases.doubts()


async def test_two_purchases_of_one_company_adopt_a_request_each(
    sandbox: MemorySandbox, sikoia: Sikoia, of: Subjects, store: PurchaseStore
) -> None:
    """One of them was not made: it is made now, and no request is adopted twice."""
    for key in ("a", "b"):
        await killed_while_buying(sandbox, of, store, key=key)
    await REPORT.once(sikoia, of, "known")
    await killed_before_sending(sandbox, of, store, key="c")

    ids = set[Any]()

    async def buy(key: str) -> None:
        ids.add((await REPORT.once(sikoia, of, key)).ids)

    async with anyio.create_task_group() as tasks:
        for key in ("a", "b", "c", "known"):
            tasks.start_soon(buy, key)
    assert len(ids) == 4
    assert REPORT.times(sandbox) == 5


async def test_a_request_in_progress_is_waited_for_before_one_is_adopted(
    sandbox: MemorySandbox, sikoia: Sikoia, of: Subjects, store: PurchaseStore
) -> None:
    """Sikoia may list it already, and only its response says whose it is."""
    await killed_while_buying(sandbox, of, store, key="lost")
    await anyio.sleep(70)
    sandbox.faults.add(REPORT.path, delay=3.0)
    ids = set[Any]()

    async def buy(key: str) -> None:
        ids.add((await REPORT.once(sikoia, of, key)).ids)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(buy, "new")
        await anyio.sleep(1)
        tasks.start_soon(buy, "lost")
    assert len(ids) == 2
    assert REPORT.times(sandbox) == 3


class Rival(DurableStore):
    """A store in which another process is faster to reserve a listed request."""

    async def intend(self, account: str, purchase: Purchase) -> Purchase:
        """Record an intent of the other process first."""
        if purchase.operation == ADOPTION:
            await super().intend(account, attrs.evolve(purchase, arguments="of another"))
        return await super().intend(account, purchase)


async def test_a_request_that_another_process_adopts_is_left_to_it(
    sandbox: MemorySandbox, of: Subjects, store: PurchaseStore
) -> None:
    """By a look for doubts, and by a call: it buys another one."""
    await killed_while_buying(sandbox, of, store)
    async with connect(sandbox, Rival(store)) as sikoia:
        assert not await sikoia.purchases.doubts()  # it may be in progress
        await anyio.sleep(70)
        assert len(await sikoia.purchases.look()) == 1
        assert await REPORT.once(sikoia, of)
    assert REPORT.times(sandbox) == 3


async def test_other_parameters_belong_to_another_purchase(
    sandbox: MemorySandbox, sikoia: Sikoia, of: Subjects, store: PurchaseStore
) -> None:
    """What has a number of its own is told apart; what has none, waits for that one."""
    numbered = attrs.evolve(REPORT, arguments={"company_number": "99000001"})
    await killed_while_buying(sandbox, of, store, numbered, key="numbered")
    await killed_before_sending(sandbox, of, store, key="plain")
    with pytest.raises(PurchaseInDoubtError, match="another one in doubt"):
        await REPORT.once(sikoia, of, "plain")
    report = await (await numbered.once(sikoia, of, "numbered"))
    assert report.company_number == "99000001"
    assert (await REPORT.once(sikoia, of, "plain")).ids != (report.request_id,)


async def test_look_adopts_what_sikoia_lists(
    sandbox: MemorySandbox, sikoia: Sikoia, of: Subjects, store: PurchaseStore
) -> None:
    """It frees the key of what is not there, and leaves two of one subject to their keys."""
    screening = BUYS["screening.search_peps_sanctions"]
    await killed_while_buying(sandbox, of, store, REPORT, key="report")
    await killed_while_buying(sandbox, of, store, screening, key="screening")
    for key in ("a", "b"):
        await killed_while_buying(sandbox, of, store, BUYS["income.request"], key=key)
    await killed_before_sending(sandbox, of, store, BUYS["online_data.request"], key="lost")
    assert await sikoia.purchases.doubts() == ()  # they may be in progress
    await anyio.sleep(70)
    assert len(await sikoia.purchases.doubts()) == 5
    left = await sikoia.purchases.look()
    assert [one.operation for one in left] == ["income.request"] * 2
    assert "look()" in left[0].advice
    since = len(sandbox.ledger)
    assert await REPORT.once(sikoia, of, "report")
    assert await screening.once(sikoia, of, "screening")
    assert not any(one.cost for one in list(sandbox.ledger)[since:])
    assert await BUYS["online_data.request"].once(sikoia, of, "lost")
    assert BUYS["online_data.request"].times(sandbox) == 1


async def test_a_search_that_is_not_listed_any_more_is_not_made_again(
    sandbox: MemorySandbox, sikoia: Sikoia, of: Subjects, store: PurchaseStore
) -> None:
    """Its result was in the list only."""
    screening = BUYS["screening.search_adverse_media"]
    await killed_while_buying(sandbox, of, store, screening)
    assert not await sikoia.purchases.doubts()  # it may be in progress
    await anyio.sleep(70)
    await sikoia.purchases.resolve("key", "bought", request_id="gone")
    with pytest.raises(PurchaseInDoubtError, match="does not list it any more"):
        await screening.once(sikoia, of)


async def test_ensure_buys_only_what_is_not_there(sikoia: Sikoia, of: Subjects) -> None:
    """What is too old is bought anew; a key then stands for that purchase."""

    async def ensure(max_age: Any, **options: Any) -> Any:
        method = sikoia.credit_reports.request
        return await sikoia.purchases.ensure(method, of.company, max_age=max_age, **options)

    first = await ensure(60)
    assert (await ensure(timedelta(days=1))).ids == first.ids
    await anyio.sleep(100)
    second = await ensure(60)
    assert second.ids != first.ids
    assert (await ensure(60, key="mine")).ids == second.ids
    await anyio.sleep(100)
    third = await ensure(60, key="mine")
    assert third.ids != second.ids
    await anyio.sleep(100)
    assert (await ensure(60, key="mine")).ids == third.ids
    assert (await ensure(60)).ids not in {first.ids, second.ids, third.ids}
    with pytest.raises(ConfigurationError, match="does not list"):
        await sikoia.purchases.ensure(sikoia.reports.excel, of.person, max_age=60)
    with pytest.raises(ConfigurationError, match="max_age"):
        await ensure(-1)


async def test_a_purchase_that_takes_too_long_elsewhere_is_left_alone(
    sandbox: MemorySandbox, of: Subjects, store: PurchaseStore
) -> None:
    """A call waits for its own timeout at most."""
    power = Power(cut_after_intent=True)
    with suppress(Killed):
        async with connect(sandbox, store, power, timeout=600.0) as sikoia:
            await REPORT.once(sikoia, of)
    async with connect(sandbox, store, timeout=5.0) as sikoia:
        with pytest.raises(PurchaseInDoubtError, match="another process is making"):
            await REPORT.once(sikoia, of)


class Outrun(DurableStore):
    """A store in which another process is faster than some of the changes.

    Args:
        inner: holds the purchases.
        lost: which changes are too late, counted from 0.
    """

    def __init__(self, inner: PurchaseStore, *lost: int) -> None:
        super().__init__(inner)
        self._lost = lost
        self._changes = -1

    async def change(self, account: str, purchase: Purchase, *, owner: str) -> bool:
        """Replace a purchase, or come too late."""
        self._changes += 1
        if self._changes in self._lost:
            return False
        return await super().change(account, purchase, owner=owner)


async def test_a_purchase_that_another_process_has_taken_over_is_left_to_it(
    sandbox: MemorySandbox, of: Subjects, store: PurchaseStore
) -> None:
    """Before the look, this process looks at the journal again; before the request, it gives up."""
    await killed_before_sending(sandbox, of, store)
    async with client_of(sandbox, shared=Stores(purchases=Outrun(store, 0, 2))) as sikoia:
        with pytest.raises(PurchaseInDoubtError, match="another process is making"):
            await REPORT.once(sikoia, of)
    assert REPORT.times(sandbox) == 1  # for a picklist


async def test_sikoias_time_is_learnt_from_an_error_as_well(
    sandbox: MemorySandbox, sikoia: Sikoia, of: Subjects
) -> None:
    """If the list fails, the purchase is made all the same."""
    sandbox.faults.inject("outage", LIST)
    assert (await REPORT.once(sikoia, of)).ids


async def test_a_request_without_a_time_is_not_adopted(
    sandbox: MemorySandbox, sikoia: Sikoia, of: Subjects, store: PurchaseStore
) -> None:
    """It may be an older one, so it is in doubt."""
    await killed_before_sending(sandbox, of, store)
    entry = {"request_id": "1", "status": "Complete"}
    body = json.dumps({"credit_report_requests": [entry]}).encode()
    await sikoia.credit_reports.list(of.company)
    sandbox.faults.add(LIST, body=body, times=2)
    with pytest.raises(PurchaseInDoubtError, match="has no time"):
        await REPORT.once(sikoia, of)


@pytest.mark.parametrize("times", [2, 3], ids=["late", "never"])
async def test_a_conflict_shows_that_the_request_was_made(
    of_keyed: tuple[MemorySandbox, Subjects], store: PurchaseStore, times: int
) -> None:
    """Sikoia lists it a little later, or it stays in doubt."""
    sandbox, of = of_keyed
    await killed_while_buying(sandbox, of, store, idempotency=True)
    sandbox.faults.add(LIST, body=b'{"credit_report_requests": []}', times=times)
    async with connect(sandbox, store, idempotency_header="Idempotency-Key") as sikoia:
        await anyio.sleep(1)
        assert not await sikoia.purchases.doubts()
        await anyio.sleep(70)
        [doubt] = await sikoia.purchases.doubts()
        assert "same idempotency key" in doubt.advice
        if times == 2:
            assert (await REPORT.once(sikoia, of)).ids
        else:
            with pytest.raises(PurchaseInDoubtError, match="knows the idempotency key"):
                await REPORT.once(sikoia, of)
    assert REPORT.times(sandbox) == 2


@pytest.fixture
async def of_keyed() -> AsyncIterator[tuple[MemorySandbox, Subjects]]:
    """Run a local Sikoia that refuses idempotency keys that were used."""
    wire = Wire(idempotency_header="Idempotency-Key", idempotency_reuse="conflict")
    with new_sandbox(wire=wire) as sandbox:
        yield sandbox, await Subjects.create(sandbox)


async def test_purchases_of_other_credentials_are_left_alone(
    sikoia: Sikoia, of: Subjects, store: PurchaseStore
) -> None:
    """`look` cannot read what they are about, and one whose request is claimed stays."""
    await REPORT.once(sikoia, of, "first")
    account = next(iter(vars(store)["_purchases"]))
    [first] = await listed(store)
    lost = attrs.evolve(
        first, key="a", state="intended", ends_at=0.0, token="op1.x", request_id=None
    )
    await store.intend(account, lost)
    assert [one.key for one in await sikoia.purchases.look()] == ["a"]


def test_parameters_are_compared_without_case_spaces_and_times() -> None:
    """Sikoia may write them differently; what it does not show, does not matter."""
    search = ScreeningSearch(
        request_id="1",
        search_term="WILMA  Example",
        birthdate=date(1990, 1, 2),
        datetime_requested=datetime(2026, 1, 1, tzinfo=UTC),
    )
    operation = "screening.search_adverse_media"
    body = {
        "search_term": "Wilma Example",
        "birth_date": datetime(1990, 1, 2, tzinfo=UTC),
        "monitored": True,
    }
    assert candidates([search], operation, body, 0.0) == [search]
    assert candidates([search], operation, {**body, "search_term": "Other"}, 0.0) == []
    assert candidates([search], operation, body, datetime(2026, 1, 2, tzinfo=UTC).timestamp()) == []


async def test_the_journal_reveals_nothing(
    sikoia: Sikoia, of: Subjects, store: PurchaseStore
) -> None:
    """No value of the request, and equal requests cannot be told from others."""
    for key in ("a", "b"):
        await sikoia.purchases.once(
            key, sikoia.screening.search_peps_sanctions, of.person, search_term="Wilma Example"
        )
    first, second = await listed(store)
    assert "Wilma" not in f"{first}{second}"
    assert first.arguments != second.arguments


async def test_a_changed_client_secret_is_known_by_the_previous_one(
    sikoia: Sikoia, of: Subjects, store: PurchaseStore
) -> None:
    """Without it, the arguments of a key cannot be compared, and nothing is bought."""
    await REPORT.once(sikoia, of)
    [purchase] = await listed(store)
    signers = [
        TokenSigner("origin", secret, previous)
        for secret, previous in (("old", None), ("new", "old"), ("new", None))
    ]
    arguments = hash_of_arguments(signers[0], b"content")
    assert [is_hash_of(one, b"content", arguments) for one in signers] == [True, True, False]
    assert purchase.token


def test_the_time_of_sikoia_follows_its_responses() -> None:
    """A clock of the host that is wrong, or is set, does not matter."""
    monotonic, wall = 100.0, 5_000.0
    time = SikoiaTime(lambda: monotonic, lambda: wall)
    assert time.now() == 5_000
    wall, monotonic = 9_000.0, 103.0
    assert time.now() == 5_003
    time.observe({})
    time.observe({"date": "today"})
    assert not time.is_known
    time.observe({"date": "Thu, 01 Jan 1970 00:01:40 GMT"})
    assert time.is_known
    monotonic = 104.0
    assert time.now() == 101
