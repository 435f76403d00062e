"""Our models as responses and bodies of web frameworks, on real sockets."""

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import partial
from typing import Annotated, Any

import attrs
import httpx
import pytest
from aiohttp import web
from fastapi import Body, FastAPI
from pydantic import BaseModel
from webapps import serving

from sikoia_async.models import Entity, Items, Model, Open
from sikoia_async.resources.banking import AccountTransactions, BankTransaction, TransactionAmount
from sikoia_async.resources.cases import (
    Case,
    CaseStage,
    CaseSummary,
    CompanyUpdate,
    NewCompany,
    NewPerson,
    Person,
    PersonUpdate,
)

CANARY = "Wilma Canary"
CASE = Case(
    case_id="1",
    name="Acme",
    case_type="Business",
    datetime_created=datetime(2024, 1, 31, 12, tzinfo=UTC),
    persons=(Person(person_id="2", first_name="Wilma", date_of_birth=date(2000, 1, 2)),),
)
SUMMARY = CaseSummary(case_id="1", name="Acme")
MONEY = AccountTransactions(
    transactions=(
        BankTransaction(amount=TransactionAmount(amount=Decimal("12345678901234567890.10"))),
    )
)


class Loan(BaseModel):
    """A model of the application."""

    amount: Decimal
    case: Case


def fastapi_app() -> FastAPI:  # noqa: C901 - many short handlers
    """Return an application that returns and takes our models."""
    app = FastAPI()

    @app.get("/case")
    async def case() -> Case:
        return CASE

    @app.get("/list")
    async def as_list() -> list[CaseSummary]:
        return [CASE, SUMMARY]

    @app.get("/items")
    async def as_items() -> Items[CaseSummary]:
        return Items([CASE, SUMMARY])

    @app.get("/plain")
    async def without_annotation():  # type: ignore[no-untyped-def]  # noqa: ANN202 - as many write it
        return {"case": CASE, "all": Items([SUMMARY]), "money": MONEY}

    @app.get("/money")
    async def money() -> AccountTransactions:
        return MONEY

    @app.get("/short", response_model_include={"case_id", "name"})
    async def short() -> Case:
        return CASE

    @app.get("/set", response_model_exclude_none=True)
    async def without_none() -> CaseSummary:
        return SUMMARY

    @app.post("/person")
    async def person(body: NewPerson) -> NewPerson:
        return body

    @app.post("/persons")
    async def persons(body: Items[NewPerson]) -> Items[NewPerson]:
        return body

    @app.post("/both")
    async def both(company: NewCompany, update: Annotated[CompanyUpdate, Body()]) -> list[str]:
        return [company.company_name, update.company_id]

    @app.post("/entity")
    async def entity(body: Entity) -> Entity:
        return body

    @app.post("/loan")
    async def loan(body: Loan) -> Loan:
        return body

    return app


def litestar_app(*, with_plugin: bool = False) -> Any:  # noqa: C901 - many short handlers
    """Return an application that returns and takes our models."""
    pytest.importorskip("litestar", reason="the lowest versions are tested without it")
    from litestar import Litestar, get, post  # noqa: PLC0415 - may be missing
    from litestar.params import JSONBody  # noqa: PLC0415 - may be missing

    from sikoia_async.integrations.litestar import ModelsPlugin  # noqa: PLC0415 - needs Litestar

    @get("/case")
    async def case() -> Case:
        return CASE

    @get("/list")
    async def as_list() -> list[CaseSummary]:
        return [SUMMARY]

    @get("/items")
    async def as_items() -> Items[CaseSummary]:
        return Items([SUMMARY])

    @get("/money")
    async def money() -> AccountTransactions:
        return MONEY

    @post("/person")
    async def person(data: JSONBody[NewPerson]) -> NewPerson:
        return data

    @post("/persons")
    async def persons(data: JSONBody[Items[NewPerson]]) -> Items[NewPerson]:
        return data

    @post("/company")
    async def company(data: JSONBody[NewCompany]) -> NewCompany:
        return data

    @post("/update")
    async def update(data: JSONBody[PersonUpdate]) -> PersonUpdate:
        return data

    @post("/entity")
    async def entity(data: JSONBody[Entity]) -> Entity:
        return data

    handlers = [case, as_list, as_items, money, person]
    if not with_plugin:
        return Litestar(handlers, logging_config=None)
    handlers += [persons, company, update, entity]
    return Litestar(handlers, logging_config=None, plugins=[ModelsPlugin()])


def aiohttp_app() -> web.Application:
    """Return an application that returns and takes our models."""

    async def case(_: web.Request) -> web.Response:
        return web.json_response(text=CASE.to_json())

    async def items(_: web.Request) -> web.Response:
        return web.json_response(text=Items([SUMMARY]).to_json())

    async def money(_: web.Request) -> web.Response:
        return web.json_response(MONEY.to_dict())

    async def person(request: web.Request) -> web.Response:
        try:
            body = NewPerson.from_json(await request.read())
        except ValueError as error:
            return web.json_response({"detail": str(error)}, status=422)
        return web.json_response(text=body.to_json())

    app = web.Application()
    for path, handler in {"/case": case, "/items": items, "/list": items, "/money": money}.items():
        app.router.add_get(path, handler)
    app.router.add_post("/person", person)
    return app


@pytest.fixture(scope="module", params=["fastapi", "litestar", "plugin", "aiohttp"])
def http(request: pytest.FixtureRequest) -> Iterator[httpx.Client]:
    """Serve an application, and return a client of it."""
    make: dict[str, Callable[[], Any]] = {
        "fastapi": fastapi_app,
        "litestar": litestar_app,
        "plugin": partial(litestar_app, with_plugin=True),
        "aiohttp": aiohttp_app,
    }
    with serving(make[request.param]()) as url, httpx.Client(base_url=url) as client:
        yield client


@pytest.fixture(scope="module")
def fastapi() -> Iterator[httpx.Client]:
    """Serve the application of FastAPI, and return a client of it."""
    with serving(fastapi_app()) as url, httpx.Client(base_url=url) as client:
        yield client


def test_models_are_responses(http: httpx.Client) -> None:
    """With exact decimals; what a client stores is a model again."""
    assert http.get("/case").json() == CASE.to_dict()
    assert Case.from_json(http.get("/case").content) == CASE
    assert AccountTransactions.from_json(http.get("/money").content) == MONEY
    for path in ("/list", "/items"):
        assert http.get(path).json()[-1] == SUMMARY.to_dict()
    assert http.get("/case").headers["content-type"].startswith("application/json")


def test_models_are_responses_without_an_annotation(fastapi: httpx.Client) -> None:
    """Also inside the dicts and lists of an endpoint."""
    shown = fastapi.get("/plain").json()

    assert shown["case"] == CASE.to_dict()
    assert (shown["all"], shown["money"]) == ([SUMMARY.to_dict()], MONEY.to_dict())


def test_models_are_bodies(http: httpx.Client) -> None:
    """A model of a request is what the handler gets."""
    person = NewPerson(first_name="a", last_name="b", date_of_birth=date(2000, 1, 2))

    response = http.post("/person", json=person.to_dict())

    assert response.is_success, response.text
    assert NewPerson.from_json(response.content) == person


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"first_name": CANARY}, "last_name"),
        ({"first_name": CANARY, "last_name": [CANARY]}, "last_name"),
        ({"first_name": CANARY, "last_name": "b", "date_of_birth": CANARY}, "date_of_birth"),
        (
            {"first_name": CANARY, "last_name": "b", "postal_address": {"city": 1}},
            "city",
        ),
        (CANARY, ""),
        ([CANARY], ""),
    ],
)
def test_a_body_that_does_not_fit_is_refused(http: httpx.Client, body: Any, field: str) -> None:
    """The response names the field, and repeats no value."""
    response = http.post("/person", json=body)

    assert response.status_code in {400, 422}
    assert field in response.text
    assert "Canary" not in response.text


@pytest.mark.parametrize(
    ("path", "body", "where"),
    [
        ("/person", {"first_name": CANARY}, ["body", "last_name"]),
        ("/persons", [{"first_name": CANARY}], ["body", 0, "last_name"]),
        ("/persons", {"first_name": CANARY}, ["body"]),
        ("/entity", {"type": CANARY, "id": "1"}, ["body", "type"]),
        ("/entity", {"type": "case", "id": CANARY}, ["body", "id"]),
        ("/loan", {"amount": 1, "case": {"name": CANARY}}, ["body", "case", "case_id"]),
        (
            "/both",
            {
                "company": {"company_name": "a", "jurisdiction_code": CANARY},
                "update": {"company_id": "1"},
            },
            ["body", "company", "jurisdiction_code"],
        ),
        (
            "/both",
            {"company": {"company_name": "a"}, "update": {"company_id": CANARY}},
            ["body", "update", "company_id"],
        ),
    ],
)
def test_fastapi_says_where(fastapi: httpx.Client, path: str, body: Any, where: Any) -> None:
    """Our validation is its validation: 422, with the path of the field."""
    response = fastapi.post(path, json=body)

    assert response.status_code == 422
    (problem,) = response.json()["detail"]
    assert problem["loc"] == where
    assert "Canary" not in response.text


def test_fastapi_takes_lists_and_nested_models(fastapi: httpx.Client) -> None:
    """As bodies, alone and inside a model of the application."""
    persons = Items([NewPerson(first_name="a", last_name="b")])
    loan = {"amount": "1.50", "case": CASE.to_dict()}
    both = {"company": {"company_name": "a"}, "update": {"company_id": "1"}}

    assert fastapi.post("/persons", json=persons.to_dicts()).json() == persons.to_dicts()
    assert fastapi.post("/loan", json=loan).json() == loan
    assert fastapi.post("/entity", json={"type": "case", "id": "1"}).json() == {
        "type": "case",
        "id": "1",
    }
    assert fastapi.post("/both", json=both).json() == ["a", "1"]


def test_fastapi_filters_responses(fastapi: httpx.Client) -> None:
    """By the declared type, and by its own options."""
    summary = CASE.to_dict(exclude=["companies", "persons"])

    assert (
        fastapi.get("/list").json() == fastapi.get("/items").json() == [summary, SUMMARY.to_dict()]
    )
    assert fastapi.get("/short").json() == {"case_id": "1", "name": "Acme"}
    assert fastapi.get("/set").json() == {"case_id": "1", "name": "Acme"}


def test_fastapi_describes_models_once(fastapi: httpx.Client) -> None:
    """The OpenAPI document has each model under its own name, the same for bodies and responses."""
    document = fastapi.get("/openapi.json").json()
    schemas = document["components"]["schemas"]
    case = document["paths"]["/case"]["get"]["responses"]["200"]["content"]["application/json"]
    items = document["paths"]["/items"]["get"]["responses"]["200"]["content"]["application/json"]
    body = document["paths"]["/person"]["post"]["requestBody"]["content"]["application/json"]

    assert case["schema"] == {"$ref": "#/components/schemas/Case"}
    assert items["schema"]["items"] == {"$ref": "#/components/schemas/CaseSummary"}
    assert body["schema"] == {"$ref": "#/components/schemas/NewPerson"}
    assert {"Address", "Case", "NewPerson", "TransactionAmount", "Entity"} < set(schemas)
    twice = {name for name in schemas if "__" in name or name.endswith(("-Input", "-Output"))}
    assert twice == {"Loan-Input", "Loan-Output"}  # the application's own Decimal
    assert schemas["NewPerson"]["required"] == ["first_name", "last_name"]
    assert fastapi.get("/docs").status_code == 200


def test_litestar_describes_models() -> None:
    """Its OpenAPI document has them by name."""
    with serving(litestar_app()) as url:
        document = httpx.get(f"{url}/schema/openapi.json").json()

    assert {"Case", "CaseSummary", "NewPerson", "Address"} < set(document["components"]["schemas"])
    items = document["paths"]["/items"]["get"]["responses"]["200"]["content"]["application/json"]
    assert items["schema"]["items"] == {"$ref": "#/components/schemas/CaseSummary"}


@pytest.fixture(scope="module")
def plugin() -> Iterator[httpx.Client]:
    """Serve the application of Litestar with our plugin, and return a client of it."""
    with serving(litestar_app(with_plugin=True)) as url, httpx.Client(base_url=url) as client:
        yield client


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("/person", {"first_name": CANARY}, "last_name"),
        ("/persons", [{"first_name": CANARY}], "0.last_name"),
        ("/persons", {"first_name": CANARY}, ""),
        ("/company", {"company_name": "a", "jurisdiction_code": CANARY}, "jurisdiction_code"),
        ("/update", {"person_id": CANARY}, "person_id"),
        ("/update", {"person_id": "1", "date_of_birth": CANARY}, "date_of_birth"),
        ("/entity", {"type": "case", "id": CANARY}, "id"),
        ("/entity", {"type": CANARY, "id": "1"}, "type"),
    ],
)
def test_the_plugin_validates_bodies(
    plugin: httpx.Client, path: str, body: Any, field: str
) -> None:
    """As the SDK does before it sends them: 400, with the path of the field."""
    response = plugin.post(path, json=body)

    (problem,) = response.json()["extra"]
    assert (response.status_code, problem["key"], problem["source"]) == (400, field, "body")
    assert "Canary" not in response.text


def test_the_plugin_reads_what_fits(plugin: httpx.Client) -> None:
    """Also types that Litestar does not know by itself, and bodies that are not JSON."""
    bodies: dict[str, Any] = {
        "/update": {"person_id": "1", "date_of_birth": ""},
        "/persons": [{"first_name": "a", "last_name": "b"}],
        "/entity": {"type": "case", "id": "1"},
    }
    for path, body in bodies.items():
        response = plugin.post(path, json=body)
        assert response.status_code == 201
        found = response.json()
        given: Any = body
        if path == "/persons":
            given, found = given[0], found[0]
        assert given.items() <= found.items()
    refused = plugin.post("/person", content=b"{", headers={"Content-Type": "application/json"})
    assert (refused.status_code, refused.json()["detail"]) == (400, "NewPerson: not valid JSON")


def test_the_plugin_describes_models(plugin: httpx.Client) -> None:
    """With the pattern of decimals and the values of enums, which may grow."""
    schemas = plugin.get("/schema/openapi.json").json()["components"]["schemas"]

    amount = schemas["TransactionAmount"]["properties"]["amount"]["oneOf"]
    known, any_text, nothing = schemas["Case"]["properties"]["stage"]["anyOf"]
    assert [one.get("pattern", "")[:1] for one in amount] == ["^", ""]
    assert "Approved" in known["enum"]
    assert (any_text, nothing) == ({"type": "string"}, {"type": "null"})
    assert schemas["NewPerson"]["required"] == ["first_name", "last_name"]


def test_the_plugin_describes_a_callers_model() -> None:
    """Also one with a required enum that may grow, and a list of lists."""
    from litestar import Litestar, get  # noqa: PLC0415 - may be missing
    from litestar.typing import FieldDefinition  # noqa: PLC0415 - may be missing

    from sikoia_async.integrations.litestar import ModelsPlugin  # noqa: PLC0415 - needs Litestar

    @get("/")
    async def own() -> Own:
        return Own(stage="New")

    plugin = ModelsPlugin()
    app = Litestar([own], plugins=[plugin], logging_config=None)
    found = app.openapi_schema.to_schema()["components"]["schemas"]["Own"]["properties"]
    assert [one.get("type") for one in found["stage"]["anyOf"]] == ["string"] * 2
    assert found["sizes"]["items"] == {"type": "array", "items": {"type": "integer"}}

    field = FieldDefinition.from_annotation(Own)
    dto = plugin.create_dto_for_type(field)
    assert (list(dto.generate_field_definitions(Own)), dto.detect_nested_field(field)) == (
        [],
        False,
    )


@attrs.frozen
class Own(Model):
    """A caller's model."""

    stage: Open[CaseStage]
    sizes: tuple[tuple[int, ...], ...] = ()
