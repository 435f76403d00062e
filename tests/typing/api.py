"""The types of the public API: checked by pyright and mypy, and never run."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, assert_type

import aiohttp
import attrs
import httpx
import httpx2
import httpx_aiohttp

from sikoia_async import (
    STAGING,
    APIError,
    Attempt,
    CallError,
    Entity,
    Interval,
    Items,
    Model,
    NewCompany,
    Operation,
    OperationTimeoutError,
    Quota,
    Sikoia,
    UnexpectedResponseError,
    poll,
)
from sikoia_async.models import HasEntity, ResponseInfo
from sikoia_async.resources.cases import Case, CaseStage, CaseSummary, CaseType, Company, Person
from sikoia_async.resources.users import Role, User
from sikoia_async.resources.webhooks import WebhookSecret
from sikoia_async.webhooks import sign, verify


@attrs.frozen(kw_only=True)
class Own(Model):
    """A model defined by a user."""

    own_id: str


async def client() -> None:
    """Create a client, and views of it."""
    async with Sikoia("id", "secret", environment=STAGING, quota=Quota(200)) as sikoia:
        assert_type(sikoia, Sikoia)
        assert_type(sikoia.with_options(timeout=5, retries=0, correlation_id="a"), Sikoia)
        assert_type(sikoia.drift, Mapping[str, int])
    Sikoia(token=lambda: "token", quota=None)
    Sikoia(token=later)


def wires(session: aiohttp.ClientSession) -> None:
    """Bring a transport or a client of another library, and no synchronous one."""
    Sikoia(http_client=session)
    Sikoia(http_client=httpx.AsyncClient())
    Sikoia(http_client=httpx2.AsyncClient())
    Sikoia(http_client=httpx_aiohttp.HttpxAiohttpClient())
    Sikoia(transport=httpx.AsyncHTTPTransport())
    Sikoia(transport=httpx.MockTransport(lambda _: httpx.Response(200)))
    Sikoia(transport=httpx2.AsyncHTTPTransport())
    Sikoia(transport=httpx_aiohttp.AiohttpTransport())
    Sikoia(http_client=httpx.Client())  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    Sikoia(transport=httpx2.HTTPTransport())  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


async def later() -> str:
    """Return an access token."""
    return "token"


async def cases(sikoia: Sikoia) -> None:
    """Call the operations on cases, and on the companies and persons in them."""
    summaries = await sikoia.cases.list(
        case_type="Business", stage=["New", "Approved"], keyword="a"
    )
    assert_type(summaries, Items[CaseSummary])
    assert_type(summaries[0], CaseSummary)
    assert_type(summaries.response, ResponseInfo)
    assert_type([one.case_id for one in summaries], list[str])
    company = NewCompany(company_name="Acme", registry_search=True)
    created = await sikoia.cases.create(name="a", case_type="Business", companies=[company])
    assert_type(created, Case)
    assert_type(await sikoia.cases.retrieve(created.case_id), Case)
    assert_type(await sikoia.cases.update(created.case_id, stage="Approved"), Case)
    assert_type(await sikoia.cases.add_entities("1", companies=[company]), Case)
    assert_type(await sikoia.cases.remove_entities("1", persons=["2"]), Case)
    await sikoia.cases.delete("1")


async def users(sikoia: Sikoia) -> None:
    """List the users."""
    people = await sikoia.users.list()
    assert_type(people, Items[User])
    assert_type(people[0].roles, tuple[Role, ...] | None)


def fields(case: Case) -> None:
    """Read fields: an open enum completes to its values, and accepts any string."""
    assert_type(case.stage, CaseStage | str | None)
    assert_type(case.case_type, CaseType | str | None)
    assert_type(case.companies, tuple[Company, ...])
    assert_type(case.persons, tuple[Person, ...])
    assert_type(case.datetime_created, datetime | None)
    assert_type(case.number_of_companies, int | None)
    assert_type(case.response.correlation_id, str)
    assert_type(case.entity, Entity)
    entities: list[HasEntity] = [case, *case.companies, Entity("person", "1")]
    assert_type([one.entity.in_path for one in entities], list[str])


async def request(sikoia: Sikoia) -> None:
    """Call an endpoint that the SDK has no method for: the result has the type `into`."""
    plain = await sikoia.request("GET", "/v2/new", query={"a": ["b"], "c": True, "d": None})
    assert_type(plain, Any)
    assert_type(await sikoia.request("GET", "/v2/new", into=Own), Own)
    assert_type(await sikoia.request("GET", "/v2/new", into=Items[Own]), Items[Own])
    assert_type(await sikoia.request("GET", "/v2/new", into=bytes), bytes)
    await sikoia.request("POST", "/v2/new", into=type(None), body={"a": 1})


async def tasks(sikoia: Sikoia) -> None:
    """Wait for an operation in all ways."""
    operation = await sikoia.start("POST", "/v2/new", into=Own, body={})
    assert_type(operation, Operation[Own])
    assert_type(await operation, Own)
    assert_type(await operation.wait(timeout=5), Own)
    assert_type(await operation.refresh(), Own | None)
    assert_type(operation.last, Own | None)
    assert_type(operation.done, bool)
    assert_type(operation.result(), Own)
    case = await poll(
        lambda: sikoia.cases.retrieve("1"),
        until=lambda case: case.stage == "Approved",
        interval=Interval(first=2),
    )
    assert_type(case, Case)
    assert_type(await poll(lambda: 3, until=lambda number: number > 2), int)
    assert_type(await poll(lambda: sikoia.cases.retrieve("1"), until=_is_approved), Case)


async def covariance(sikoia: Sikoia, case: Case) -> None:
    """An operation of reports is an operation of models; a list of cases is a list of models."""
    report = await sikoia.income.request(case)
    listed = await sikoia.cases.list()
    operations: list[Operation[Model]] = [report]
    lists: tuple[Items[Model], Items[HasEntity]] = (listed, listed)
    assert_type(await operations[0].wait(30), Model)
    assert_type(operations[0].first, Model | None)
    assert_type(len(lists[0]), int)


async def _is_approved(case: Case) -> bool:
    return case.stage == "Approved"


def errors(error: CallError) -> None:
    """Read the attributes of errors."""
    assert_type(error.correlation_id, str)
    assert_type(error.attempts, tuple[Attempt, ...])
    assert_type(error.may_have_been_processed, bool)
    if isinstance(error, APIError):
        assert_type(error.status, int)
        assert_type(error.type, str | None)
        assert_type(error.retry_after, float | None)
    if isinstance(error, UnexpectedResponseError):
        assert_type(error.body, bytes)
        assert_type(error.problems, tuple[str, ...])


def not_done(error: OperationTimeoutError) -> None:
    """Read the attributes of a timeout."""
    assert_type(error.last, Any)
    assert_type(error.operation, Operation[Any] | None)
    assert_type(error.correlation_ids, tuple[str, ...])


def delivery(body: bytes, headers: Mapping[str, str], secret: WebhookSecret) -> None:
    """Verify and create a signature."""
    assert_type(verify(body, headers.get("a"), secret), int)
    assert_type(verify(body, b"a", ["old", secret], max_body=10), int)
    assert_type(sign(body, "a secret"), str)
