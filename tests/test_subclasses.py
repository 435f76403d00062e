"""Values of subclasses of Python's own types, such as enums, numpy's floats and pandas' datetimes.

Each counts as the plain value that it holds, however it formats, prints or hashes.
"""

import json
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from decimal import Decimal
from enum import Enum, IntEnum, StrEnum
from numbers import Integral
from typing import Any, Self

import attrs
import httpx
import pytest

from sikoia_async import (
    STAGING,
    ArgumentTypeError,
    ConfigurationError,
    Entity,
    Environment,
    Interval,
    Limits,
    NewPerson,
    Quota,
    Sikoia,
    correlation_id,
)
from sikoia_async._schema.standard import standard_type
from sikoia_async.resources.cases import PersonUpdate
from sikoia_async.webhooks import parse

pytestmark = pytest.mark.anyio

ID = "01951375-0000-7000-8000-000000000000"


class Mixed(str, Enum):  # noqa: UP042 - its str() and its hash are those of its name
    """The values that the tests send."""

    ID = "01951375-0000-7000-8000-000000000000"
    WORD = "New"
    CASE = "case"
    UP = ".."
    KEY = "a-key"
    GET = "GET"
    PATH = "/v2/cases"
    EVENT = "IdentityVerification.Completed"
    URL = "https://api.example"
    PRIORITY = "background"


class Word(StrEnum):
    """The kind of enum that Python 3.11 has."""

    WORD = "New"
    ID = "01951375-0000-7000-8000-000000000000"


class Markup(str):
    """Like markupsafe's: what it is put into is escaped, and so is what is put into it."""

    __slots__ = ()

    def __format__(self, spec: str) -> str:
        raise AssertionError

    def __str__(self) -> str:
        raise AssertionError


class Float(float):
    """Like numpy's float64."""

    def __repr__(self) -> str:
        return f"np.float64({float(self)})"


class Seconds(float, Enum):
    """A float whose format is that of a string."""

    SHORT = 7.5
    HALF = 0.5


class Number(IntEnum):
    """An enum of whole numbers."""

    TWO = 2


class Index:
    """Like numpy's int64: whole, and not an int."""

    def __index__(self) -> int:
        return 7


Integral.register(Index)


class Money(Decimal):
    """A subclass of Decimal."""


class Day(date):
    """Like pendulum's Date."""


class Moment(datetime):
    """Like pandas' Timestamp, which has a precision that datetime lacks."""

    nanosecond = 5

    def isoformat(self, sep: str = "T", timespec: str = "auto") -> str:  # noqa: ARG002 - as it is
        """Return another text than a datetime does."""
        return "not a datetime's"


class Missing(datetime):
    """Like pandas' NaT: a datetime without a year."""

    @property
    def year(self) -> Any:
        """Not a number."""
        return float("nan")


def kind(value: object) -> str:
    """Name a parameter by its class."""
    return type(value).__name__


class Wire:
    """A transport that keeps the requests and answers all of them in one way."""

    def __init__(self) -> None:
        self.requests: list[httpx.Request] = []
        self.sikoia = Sikoia(token="a-token", transport=httpx.MockTransport(self._reply))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.sikoia.aclose()

    def _reply(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        ids = {"case_id": "1", "request_id": "1", "webhook_id": "1"}
        is_list = request.method == "GET" or request.url.path.endswith("/search")
        body: Any = [] if is_list else ids
        return httpx.Response(200, json=body)

    @property
    def target(self) -> str:
        """Path and query of the last request."""
        return self.requests[-1].url.raw_path.decode()

    @property
    def body(self) -> Any:
        """The JSON body of the last request."""
        return json.loads(self.requests[-1].content)


@pytest.mark.parametrize("value", [Mixed.ID, Word.ID, Markup(ID)], ids=kind)
async def test_ids_in_paths(value: str) -> None:
    """Of methods, of entities and of the escape hatch."""
    async with Wire() as wire:
        await wire.sikoia.documents.list(Entity("case", value))
        assert wire.target == f"/v2/Cases/{ID}/documents"
        await wire.sikoia.cases.delete(value)
        assert wire.target == f"/v2/cases/{ID}"
        await wire.sikoia.cases.remove_entities(value, persons=[value])
        assert (wire.target, wire.body) == (f"/v2/cases/{ID}/entities/delete", {"persons": [ID]})


async def test_an_enum_is_no_way_around_the_check_of_ids() -> None:
    """Its hash is that of its name, so a set does not find its value."""
    async with Wire() as wire:
        with pytest.raises(ConfigurationError):
            await wire.sikoia.cases.retrieve(Mixed.UP)
        assert not wire.requests


async def test_ids_of_operations() -> None:
    """An operation's token has the plain id."""
    async with Wire() as wire:
        for value in (Mixed.ID, Word.ID, Markup(ID)):
            sikoia = wire.sikoia
            for make in (
                sikoia.documents.until_classified,
                sikoia.documents.until_checked,
                sikoia.banking.until_connected,
                sikoia.company_registry.operation,
                sikoia.credit_reports.operation,
                sikoia.identity.operation,
                sikoia.income.operation,
                sikoia.affordability.operation,
                sikoia.checks.operation,
            ):
                assert make(value).token == make(ID).token
            token = Markup(sikoia.identity.operation(ID).token)
            assert sikoia.operation(token).token == str.__str__(token)


@pytest.mark.parametrize("value", [Mixed.WORD, Word.WORD, Markup("New")], ids=kind)
async def test_strings_in_queries_and_bodies(value: Any) -> None:
    """Alone, in lists, and in the body of a request of the caller's."""
    async with Wire() as wire:
        await wire.sikoia.cases.list(stage=value)
        assert wire.target == "/v2/cases?stage=New"
        await wire.sikoia.cases.list(stage=[value, value])
        assert wire.target == "/v2/cases?stage=New%2CNew"
        await wire.sikoia.cases.create(name=value, case_type="Business", stage=value)
        assert wire.body == {"name": "New", "case_type": "Business", "stage": "New"}
        await wire.sikoia.cases.add_entities(
            ID, persons=[NewPerson(first_name=value, last_name=value)]
        )
        assert wire.body == {"persons": [{"first_name": "New", "last_name": "New"}]}
        await wire.sikoia.request("POST", "/v2/new", body={value: [value]})
        assert wire.body == {"New": ["New"]}


async def test_numbers_in_queries_and_bodies() -> None:
    """Whole numbers, fractions and money."""
    async with Wire() as wire:
        await wire.sikoia.request("GET", "/v2/new", query={"a": Number.TWO})
        assert wire.target == "/v2/new?a=2"
        await wire.sikoia.company_registry.search(
            company_name="Acme", country_code="GB", items_per_page=Number.TWO
        )
        assert wire.target.endswith("?items_per_page=2")
        entity = Entity("person", ID)
        for value in (Float(0.5), Seconds.HALF):
            await wire.sikoia.screening.search_peps_sanctions(entity, fuzziness=value)
            assert wire.body["fuzziness"] == 0.5
        await wire.sikoia.company_registry.resolve_picklist(ID, Number.TWO)
        assert wire.body["picklist_index"] == 2
        numbers = [Number.TWO, Float(0.25), Seconds.HALF, Money("1.50"), True, Index()]
        await wire.sikoia.request("POST", "/v2/new", body={"a": numbers})
        assert wire.body == {"a": [2, 0.25, 0.5, "1.50", True, 7]}


@pytest.mark.parametrize("value", [Float("nan"), Money("NaN"), Missing(2024, 1, 1)], ids=kind)
async def test_values_that_json_has_not_are_refused(value: object) -> None:
    """Of subclasses as well; no value is repeated."""
    async with Wire() as wire:
        with pytest.raises(ConfigurationError, match=r"^body: contains a value"):
            await wire.sikoia.request("POST", "/v2/new", body={"a": value})
        assert not wire.requests


CET = timezone(timedelta(hours=1))


@pytest.mark.parametrize("zone", [UTC, CET], ids=str)
async def test_dates_and_datetimes_in_bodies(zone: tzinfo) -> None:
    """As a date or a datetime of Python's would be sent."""
    async with Wire() as wire:
        await wire.sikoia.request(
            "POST",
            "/v2/new",
            body={"a": Day(2024, 2, 29), "b": Moment(2024, 2, 29, 1, tzinfo=zone)},
        )
        of_subclasses = wire.body
        await wire.sikoia.request(
            "POST",
            "/v2/new",
            body={"a": date(2024, 2, 29), "b": datetime(2024, 2, 29, 1, tzinfo=zone)},
        )
        assert of_subclasses == wire.body


@pytest.mark.parametrize(
    "born",
    [
        date(1985, 3, 7),
        Day(1985, 3, 7),
        datetime(1985, 3, 7, 0, 30, tzinfo=CET),
        Moment(1985, 3, 7, 10),
    ],
    ids=kind,
)
async def test_a_day_of_birth(born: date) -> None:
    """Of a datetime, the day is sent that its own time zone has."""
    async with Wire() as wire:
        person = NewPerson(first_name="A", last_name="B", date_of_birth=born)
        await wire.sikoia.cases.add_entities(ID, persons=[person])
        assert wire.body["persons"][0]["date_of_birth"] == "1985-03-07"
        update = PersonUpdate(person_id=ID, date_of_birth=born)
        await wire.sikoia.cases.update_entities(ID, persons=[update])
        assert wire.body["persons"][0]["date_of_birth"] == "1985-03-07"
        assert person == attrs.evolve(person, date_of_birth=date(1985, 3, 7))


async def test_a_missing_day_of_birth_is_refused() -> None:
    """NaT counts as a datetime, and cannot be sent."""
    person = NewPerson(first_name="A", last_name="B", date_of_birth=Missing(1985, 3, 7))
    async with Wire() as wire:
        with pytest.raises(ConfigurationError):
            await wire.sikoia.cases.add_entities(ID, persons=[person])
        assert not wire.requests


@pytest.mark.parametrize("born", [Day(1985, 3, 7), Moment(1985, 3, 7, tzinfo=UTC)], ids=kind)
async def test_a_birth_date_to_search_for(born: date) -> None:
    """The API takes a date and time here."""
    async with Wire() as wire:
        await wire.sikoia.screening.search_adverse_media(Entity("person", ID), birth_date=born)
        assert wire.body["birth_date"] == "1985-03-07T00:00:00Z"


async def test_options_of_a_call() -> None:
    """Those of the client, of a view and of a block."""
    async with Wire() as wire:
        view = wire.sikoia.with_options(
            timeout=Seconds.SHORT,
            retries=Number.TWO,
            correlation_id=Mixed.KEY,
            priority=Mixed.PRIORITY,  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]  # an enum of the caller's
        )
        assert await view.request(Mixed.GET, Mixed.PATH) == []
        assert wire.requests[-1].headers["X-Correlation-Id"] == "a-key"
        with correlation_id(Mixed.KEY) as used:
            assert await wire.sikoia.request("GET", Markup("/v2/cases")) == []
        assert (used, wire.target) == ("a-key", "/v2/cases")
        assert wire.requests[-1].headers["X-Correlation-Id"] == "a-key"


async def test_a_timeout_that_is_an_enum_ends_a_call() -> None:
    """Its message formats the number."""

    async def late(request: httpx.Request) -> httpx.Response:
        raise httpx.ReadTimeout(request.url.path)

    async with Sikoia(
        token="a-token", transport=httpx.MockTransport(late), timeout=Seconds.SHORT, retries=0
    ) as sikoia:
        with pytest.raises(Exception, match="no response"):
            await sikoia.users.list()


async def test_settings_of_a_client() -> None:
    """Credentials, environment, quota, header of idempotency keys."""
    requests: list[httpx.Request] = []

    def reply(request: httpx.Request) -> httpx.Response:
        requests.append(request)
        is_login = request.url.path == "/token"
        return httpx.Response(200, json={"access_token": "a", "expires_in": 60} if is_login else {})

    environment = Environment(
        name=Mixed.KEY, api=Mixed.URL, token_url=Markup("https://login.example/token"), scope="all"
    )
    async with Sikoia(
        Mixed.ID,
        Mixed.KEY,
        environment=environment,
        transport=httpx.MockTransport(reply),
        quota=Quota(Number.TWO, per=Float(60)),
        limits=Limits(max_in_flight=Number.TWO, max_body=Number.TWO),
        idempotency_header=Markup("Idempotency-Key"),
    ) as sikoia:
        view = sikoia.with_options(idempotency_key=Mixed.KEY, interval=Interval(Float(1)))
        assert await view.request("POST", "/v2/cases", body={}) == {}

    login, call = requests
    assert login.content.decode().split("&")[2:] == [f"client_id={ID}", "client_secret=a-key"]
    assert (str(call.url), call.headers["Idempotency-Key"]) == (
        "https://api.example/v2/cases",
        "a-key",
    )
    assert repr(sikoia) == "<Sikoia a-key>"


async def test_an_access_token_of_a_function() -> None:
    """It goes into a header."""
    async with Wire() as wire:
        sikoia = Sikoia(token=lambda: Mixed.KEY, transport=httpx.MockTransport(wire._reply))
        async with sikoia:
            await sikoia.request("GET", "/v2/cases")
        assert wire.requests[-1].headers["Authorization"] == "Bearer a-key"


async def test_arguments_of_webhooks() -> None:
    """The name of an event, and the URL of a webhook."""
    assert type(parse(b"{}", event_type=Mixed.EVENT)).__name__ == "IdentityVerificationCompleted"
    event: Any = Mixed.EVENT
    async with Wire() as wire:
        await wire.sikoia.webhooks.create(
            webhook_name=Mixed.KEY, webhook_callback_url=Mixed.URL, event_types=[event]
        )
        assert wire.body == {
            "webhook_name": "a-key",
            "webhook_callback_url": "https://api.example",
            "event_types": ["IdentityVerification.Completed"],
        }


@pytest.mark.parametrize("field", ["name", "api", "token_url", "scope"])
@pytest.mark.parametrize("value", [5, None, b"https://a.example"], ids=kind)
def test_an_environment_of_other_types_is_refused(field: str, value: Any) -> None:
    """Nothing but strings."""
    with pytest.raises(ArgumentTypeError, match=r"^Environment"):
        attrs.evolve(STAGING, **{field: value})


@pytest.mark.parametrize("value", [5, None, [], b"GET"], ids=kind)
async def test_methods_paths_and_keys_of_other_types_are_refused(value: Any) -> None:
    """With an error of ours, and before anything is sent."""
    async with Wire() as wire:
        for method, path in ((value, "/v2/cases"), ("GET", value)):
            with pytest.raises(ConfigurationError):
                await wire.sikoia.request(method, path)
        if value:
            with pytest.raises(ConfigurationError):
                Sikoia(token="a-token", idempotency_header=value)
            keyed = Sikoia(token="a-token", idempotency_header="Idempotency-Key")
            with pytest.raises(ConfigurationError):
                keyed.with_options(idempotency_key=value)
        assert not wire.requests


def test_a_class_of_days_of_ones_own_is_no_frozen_date() -> None:
    """It is read as itself."""

    class Day(date):
        pass

    assert standard_type(Day) is Day
