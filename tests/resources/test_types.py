"""Arguments of the wrong type raise a TypeError before anything is sent."""

import inspect
import json
from collections.abc import Sequence
from datetime import date
from typing import Annotated, Any, Literal, get_args, get_origin
from uuid import UUID, uuid4

import anyio
import attrs
import contract
import httpx
import pytest
from contract import ENDPOINTS, Endpoint

from sikoia_async import (
    ArgumentTypeError,
    ConfigurationError,
    Entity,
    NewCompany,
    NewPerson,
    ServerError,
    Sikoia,
)
from sikoia_async.models import HasEntity
from sikoia_async.resources.cases import (
    CaseOwner,
    Company,
    CompanyUpdate,
    NewAddress,
    Person,
    PersonUpdate,
)
from sikoia_async.resources.checks import ChecklistParameter

CANARY = "canary"
PARAMETERS = [
    pytest.param(endpoint, name, id=f"{contract.ids(endpoint)}-{name}")
    for endpoint in ENDPOINTS
    for name in endpoint.parameters()
]
# Valid values of required parameters for which "x" is not one.
VALID: dict[str, Any] = {
    "webhook_callback_url": "https://hooks.example.com/sikoia",
    "event_types": ["DocumentProcessing.Completed"],
    "file": b"x",
    "picklist_index": 1,
    "case_type": "Business",
}
# Arguments that methods need although their parameters are optional.
NEEDED = {
    "documents.upload": {"file_name": "a.pdf"},
    "cases.update": {"name": "a"},
    "company_registry.search": {"country_code": "GB"},
}


def minimal(endpoint: Endpoint) -> dict[str, Any]:
    """Return the smallest valid set of arguments for a method."""
    arguments = dict[str, Any](NEEDED.get(contract.ids(endpoint), {}))
    for name, (annotation, is_required) in endpoint.parameters().items():
        if is_required:
            entity = Entity("person", "p-1") if annotation is HasEntity else None
            arguments[name] = entity or VALID.get(name, "x")
    return arguments


def refused(endpoint: Endpoint, **arguments: Any) -> ConfigurationError:
    """Call a method that refuses its arguments before sending anything; return the error."""
    requests = list[httpx.Request]()
    with pytest.raises(ConfigurationError) as caught:
        attempt(endpoint, arguments, requests)
    assert requests == []
    assert CANARY not in str(caught.value)
    return caught.value


def sent(endpoint: Endpoint, **arguments: Any) -> httpx.Request:
    """Return the request that a method sends."""
    requests = list[httpx.Request]()
    with pytest.raises(ServerError):
        attempt(endpoint, arguments, requests)
    return requests[0]


def attempt(endpoint: Endpoint, arguments: dict[str, Any], requests: list[httpx.Request]) -> None:
    """Call a method whose requests fail, and add them to a list."""

    async def respond(request: httpx.Request) -> httpx.Response:
        await request.aread()
        requests.append(request)
        return httpx.Response(500)

    async def main() -> None:
        transport = httpx.MockTransport(respond)
        async with Sikoia(token="t", quota=None, retries=0, transport=transport) as sikoia:
            result = endpoint.call(sikoia, minimal(endpoint) | arguments)
            await (result if inspect.isawaitable(result) else anext(aiter(result)))

    anyio.run(main)


@pytest.mark.parametrize(
    "wrong", [object(), 5j, {CANARY: CANARY}], ids=["object", "complex", "dict"]
)
@pytest.mark.parametrize(("endpoint", "name"), PARAMETERS)
def test_wrong_types_are_type_errors(endpoint: Endpoint, name: str, wrong: object) -> None:
    """Every parameter of every method refuses other types, and the error names it."""
    error = refused(endpoint, **{name: wrong})

    assert isinstance(error, ArgumentTypeError)
    assert str(error).startswith(name)


@pytest.mark.parametrize(("endpoint", "name"), PARAMETERS)
def test_strings_and_numbers_are_not_interchangeable(endpoint: Endpoint, name: str) -> None:
    """A number or bytes are refused as a string, and a string is refused as a number."""
    annotation, _ = endpoint.parameters()[name]
    takes_numbers = {int, float, bool} & {*contract.alternatives(annotation)}
    values: list[Any] = [CANARY] if takes_numbers else [5] if name == "file" else [5, 5.5, b"x"]

    for value in values:
        assert isinstance(refused(endpoint, **{name: value}), ArgumentTypeError)


@pytest.mark.parametrize(("endpoint", "name"), PARAMETERS)
def test_required_parameters_must_not_be_none(endpoint: Endpoint, name: str) -> None:
    """None would not be sent."""
    if endpoint.parameters()[name][1]:
        assert name in str(refused(endpoint, **{name: None}))


IDS = [
    pytest.param(endpoint, name, id=f"{contract.ids(endpoint)}-{name}")
    for endpoint in ENDPOINTS
    for name, (annotation, _) in endpoint.parameters().items()
    if contract.is_subject(annotation)
    or (name.endswith("_id") and name not in {"reference_customer_id", "provider_id", "owner_id"})
]


@pytest.mark.parametrize(("endpoint", "name"), IDS)
@pytest.mark.parametrize("wrong", ["", "..", "canary/x"])
def test_ids_are_validated(endpoint: Endpoint, name: str, wrong: str) -> None:
    """In bodies and queries as well as in paths."""
    assert str(refused(endpoint, **{name: wrong})).startswith(f"{name}: not a valid id")


UUIDS = [
    pytest.param(endpoint, name, id=f"{contract.ids(endpoint)}-{name}")
    for endpoint in ENDPOINTS
    for name, (annotation, _) in endpoint.parameters().items()
    if contract.is_subject(annotation) or name.endswith("_id")
]


@pytest.mark.parametrize(("endpoint", "name"), UUIDS)
def test_a_uuid_is_sent_as_a_string(endpoint: Endpoint, name: str) -> None:
    """Your own ids are also, and those of others."""
    uuid = uuid4()
    accepted = contract.alternatives(endpoint.parameters()[name][0])
    change = CHANGES.get(contract.ids(endpoint), {})

    by_uuid, by_string = (sent(endpoint, **change, **{name: one}) for one in (uuid, str(uuid)))

    assert UUID in accepted
    assert (by_uuid.url, by_uuid.content) == (by_string.url, by_string.content)
    assert str(uuid).encode() in by_uuid.url.raw_path + by_uuid.content


def test_a_list_of_uuids_is_a_filter() -> None:
    """Also a set of them, and beside strings."""
    (endpoint,) = [one for one in ENDPOINTS if contract.ids(one) == "cases.list"]
    one, two = uuid4(), uuid4()

    assert sent(endpoint, owner_id=[one, str(two)]).url.params["owner_id"] == f"{one},{two}"
    assert sent(endpoint, owner_id={one}).url.params["owner_id"] == str(one)


MODEL_IDS = [
    pytest.param(endpoint, name, model, field, id=f"{contract.ids(endpoint)}-{field}")
    for endpoint in ENDPOINTS
    for name, (annotation, _) in endpoint.parameters().items()
    for item in contract.items(contract.alternatives(annotation))
    if not contract.is_subject(item)
    for model in contract.models_in(item)
    for field in inspect.signature(model).parameters
    if field.endswith("_id")
]


@pytest.mark.parametrize(("endpoint", "parameter", "model", "field"), MODEL_IDS)
def test_a_uuid_in_a_model_is_sent_as_a_string(
    endpoint: Endpoint, parameter: str, model: Any, field: str
) -> None:
    """The field itself is a string; only the constructor takes both."""
    uuid = uuid4()
    required = dict.fromkeys(contract.needed_in(model), "x")
    one = model(**required | {field: uuid})

    body = json.loads(sent(endpoint, **{parameter: [one]}).content)

    assert getattr(one, field) == str(uuid)
    assert getattr(model(**required), field, None) in {None, "x"}
    assert body[parameter][0][field] == str(uuid)
    assert UUID in contract.alternatives(inspect.signature(model).parameters[field].annotation)


def test_a_model_is_refused_as_an_id() -> None:
    """A model holds more than its id, and the call may cost money."""
    (endpoint,) = [one for one in ENDPOINTS if contract.ids(one) == "company_registry.search"]

    error = refused(endpoint, company_id=Company(company_id="c-1", company_name=CANARY))

    assert str(error).endswith("the id alone, company.company_id")


LISTS = [
    pytest.param(endpoint, name, id=f"{contract.ids(endpoint)}-{name}")
    for endpoint in ENDPOINTS
    for name, (annotation, _) in endpoint.parameters().items()
    if contract.items(contract.alternatives(annotation))
]


@pytest.mark.parametrize(("endpoint", "name"), LISTS)
def test_lists_have_items_of_one_type(endpoint: Endpoint, name: str) -> None:
    """A list with other items, or a value that is not a list, is refused."""
    wanted = contract.alternatives(endpoint.parameters()[name][0])

    for wrong in ([None], [5], (object(),), CaseOwner()):
        assert isinstance(refused(endpoint, **{name: wrong}), ArgumentTypeError)
    if not {str} & {*wanted} and not any(get_args(one) for one in wanted if one is not Sequence):
        assert isinstance(refused(endpoint, **{name: CANARY}), ArgumentTypeError)


ANY: Any = CANARY
NUMBER: Any = 5
NOTHING: Any = None
MODELS = {
    "number": ("cases.add_entities", "companies", NewCompany(company_name=NUMBER)),
    "none": ("cases.add_entities", "companies", NewCompany(company_name=NOTHING)),
    "boolean": ("cases.create", "companies", NewCompany(company_name="a", registry_search=ANY)),
    "date": (
        "cases.create",
        "persons",
        NewPerson(first_name="a", last_name="b", date_of_birth=ANY),
    ),
    "not a date": (
        "cases.update_entities",
        "persons",
        PersonUpdate(person_id="1", date_of_birth=ANY),
    ),
    "part of a part": (
        "cases.add_entities",
        "persons",
        NewPerson(first_name="a", last_name="b", postal_address=NewAddress(house_number=NUMBER)),
    ),
    "string for a part": (
        "cases.add_entities",
        "persons",
        NewPerson(first_name="a", last_name="b", postal_address=ANY),
    ),
    "owner": ("cases.update", "ownership", CaseOwner(owner_type=NUMBER)),
    "source": ("checks.run", "checklist_params", ChecklistParameter(source_id=NUMBER)),
}


@pytest.mark.parametrize(("method", "name", "model"), MODELS.values(), ids=MODELS.keys())
def test_fields_of_models_are_validated(method: str, name: str, model: Any) -> None:
    """A field of the wrong type in a request model is refused."""
    (endpoint,) = [one for one in ENDPOINTS if contract.ids(one) == method]

    error = refused(endpoint, **{name: [model]})

    assert isinstance(error, ArgumentTypeError)
    assert str(error).startswith(f"{name}: ")


@pytest.mark.parametrize(
    ("name", "model"),
    [("companies", CompanyUpdate(company_id="")), ("persons", PersonUpdate(person_id="canary/x"))],
)
def test_ids_in_models_are_validated(name: str, model: Any) -> None:
    """The ids of the entities to change."""
    (endpoint,) = [one for one in ENDPOINTS if contract.ids(one) == "cases.update_entities"]

    assert "_id: not a valid id" in str(refused(endpoint, **{name: [model]}))


@pytest.mark.parametrize("method", ["add_entities", "update_entities", "remove_entities"])
@pytest.mark.parametrize(
    "arguments", [{}, {"companies": []}, {"companies": (), "persons": []}], ids=str
)
def test_empty_lists_alone_are_refused(method: str, arguments: dict[str, Any]) -> None:
    """A call that would change nothing is refused."""
    (endpoint,) = [one for one in ENDPOINTS if contract.ids(one) == f"cases.{method}"]

    problem = "nothing to send: expected at least one of companies, persons"
    assert str(refused(endpoint, **arguments)) == problem


@pytest.mark.parametrize("birth", [date(1985, 6, 12), ""])
def test_a_date_or_an_empty_string_is_accepted_as_a_date(birth: Any) -> None:
    """An empty string clears the date. Only the invalid id is refused."""
    (endpoint,) = [one for one in ENDPOINTS if contract.ids(one) == "cases.update_entities"]
    update = PersonUpdate(person_id="..", date_of_birth=birth)

    assert "person_id: not a valid id" in str(refused(endpoint, persons=[update]))


def known_values(annotation: Any) -> tuple[str, ...]:
    """Return the values of a closed set, at any depth.

    A parameter is typed as open so that it takes a field of a model, and is closed all the same.
    """
    if get_origin(annotation) is Literal:
        return get_args(annotation)
    if get_origin(annotation) is Annotated:
        return known_values(get_args(annotation)[1])
    return tuple(value for one in get_args(annotation) for value in known_values(one))


CLOSED = [
    pytest.param(endpoint, name, id=f"{contract.ids(endpoint)}-{name}")
    for endpoint in ENDPOINTS
    for name, (annotation, _) in endpoint.parameters().items()
    if known_values(annotation)
]


def test_closed_sets_are_found() -> None:
    """One kind each: required, optional, a filter, and an enum that may grow."""
    names = {one.id for one in CLOSED}

    assert names >= {"cases.create-case_type", "cases.update-stage", "cases.list-stage"}
    assert names >= {"webhooks.create-event_types", "webhooks.update-event_types"}


@pytest.mark.parametrize(("endpoint", "name"), CLOSED)
def test_unknown_values_of_a_closed_set_are_refused(endpoint: Endpoint, name: str) -> None:
    """The error names the accepted values, and does not repeat the one given."""
    annotation, _ = endpoint.parameters()[name]
    known = known_values(annotation)
    words = [CANARY, "", known[0].lower(), f"{known[0]}\n", f" {known[0]}", f"{known[0]},"]
    alternatives = contract.alternatives(annotation)
    lists = contract.items(alternatives)
    wrong: list[Any] = [] if len(lists) == len(alternatives) else [*words]
    if lists:
        wrong += [*([word] for word in words), (known[0], CANARY)]
    if lists and len(lists) < len(alternatives):  # filters may also be sets
        wrong += [{CANARY}]

    for value in wrong:
        error = refused(endpoint, **{name: value})

        assert not isinstance(error, ArgumentTypeError)
        assert str(error) == f"{name}: expected one of {', '.join(dict.fromkeys(known))}"


CODES = [one for one in PARAMETERS if str(one.values[1]) in {"country_code", "jurisdiction_code"}]
NO_CODES = ["", "G", "GBR", "canary", "G-", "ÄÖ", "GB\n", " GB", "826"]


@pytest.mark.parametrize("wrong", NO_CODES)
@pytest.mark.parametrize(("endpoint", "name"), CODES)
def test_codes_have_the_form_of_a_code(endpoint: Endpoint, name: str, wrong: str) -> None:
    """Of a country or a jurisdiction. The error says what the form is."""
    error = refused(endpoint, **{name: wrong})

    assert str(error).startswith(f"{name}: expected ")
    assert "such as GB" in str(error)


@pytest.mark.parametrize("wrong", [*NO_CODES[1:], "US-DE", "US_D", "US_", "US_DEL"])
@pytest.mark.parametrize("method", ["create", "add_entities", "update_entities"])
def test_codes_in_models_have_the_form_of_a_code(method: str, wrong: str) -> None:
    """Companies have a jurisdiction."""
    (endpoint,) = [one for one in ENDPOINTS if contract.ids(one) == f"cases.{method}"]
    company: Any = (
        CompanyUpdate(company_id="c-1", jurisdiction_code=wrong)
        if method == "update_entities"
        else NewCompany(company_name="a", jurisdiction_code=wrong)
    )

    error = refused(endpoint, companies=[company])

    assert str(error).startswith("jurisdiction_code: expected a country code of two letters")


def test_an_empty_string_clears_a_jurisdiction() -> None:
    """Only the invalid id is refused."""
    (endpoint,) = [one for one in ENDPOINTS if contract.ids(one) == "cases.update_entities"]
    updates = [CompanyUpdate(company_id="c-1", jurisdiction_code=""), CompanyUpdate(company_id="")]

    assert "company_id: not a valid id" in str(refused(endpoint, companies=updates))


# Arguments of methods that change something, without which there is nothing to send.
CHANGES: dict[str, dict[str, Any]] = {
    "cases.add_entities": {"companies": [NewCompany(company_name="a")]},
    "cases.update_entities": {"companies": [CompanyUpdate(company_id="a")]},
    "cases.remove_entities": {"persons": [Person(person_id="a"), "b"]},
    "webhooks.update": {"webhook_name": "a"},
}
SUBJECTS = [
    pytest.param(endpoint, name, model, id=f"{contract.ids(endpoint)}-{name}-{model.__name__}")
    for endpoint in ENDPOINTS
    for name, (annotation, _) in endpoint.parameters().items()
    if contract.is_subject(annotation)
    for model in contract.alternatives(annotation)
    if attrs.has(model)
]


@pytest.mark.parametrize(("endpoint", "name", "model"), SUBJECTS)
def test_a_model_is_sent_as_its_id(endpoint: Endpoint, name: str, model: Any) -> None:
    """A method sends the same for a model as for its id."""
    one = model(**{endpoint.sent_as(name): "id-1"})
    change = CHANGES.get(contract.ids(endpoint), {})

    by_model, by_id = (sent(endpoint, **change, **{name: value}) for value in (one, "id-1"))

    assert (by_model.url, by_model.content) == (by_id.url, by_id.content)
    assert b"id-1" in by_model.url.raw_path + by_model.content


@pytest.mark.parametrize(("endpoint", "name", "model"), SUBJECTS)
def test_a_model_of_another_kind_is_refused(endpoint: Endpoint, name: str, model: Any) -> None:
    """The error names the parameter, and the models that it takes."""
    error = refused(endpoint, **{name: NewAddress(city=CANARY)})

    assert isinstance(error, ArgumentTypeError)
    assert str(error).startswith(f"{name}: expected the {endpoint.sent_as(name)} as a string, or ")
    assert model.__name__ in str(error)
    assert str(error).endswith(", not NewAddress")


@pytest.mark.parametrize(("endpoint", "name", "model"), SUBJECTS)
@pytest.mark.parametrize("nothing", [None, ""])
def test_a_model_without_an_id_is_refused(
    endpoint: Endpoint, name: str, model: Any, nothing: Any
) -> None:
    """Sikoia may leave it out."""
    field = endpoint.sent_as(name)

    error = refused(endpoint, **{name: model(**{field: nothing})})

    assert str(error) == f"{name}: this {model.__name__} has no {field}; pass the id itself"


@pytest.mark.parametrize(
    "owners",
    [[CaseOwner(owner_type="Team")], [CaseOwner(), CaseOwner(owner_type="")]],  # type: ignore[arg-type]
)
@pytest.mark.parametrize("method", ["create", "update"])
def test_an_unknown_type_of_owner_is_refused(method: str, owners: Any) -> None:
    """The error names the known one."""
    (endpoint,) = [one for one in ENDPOINTS if contract.ids(one) == f"cases.{method}"]

    error = refused(endpoint, ownership=owners)

    assert str(error) == "ownership: CaseOwner.owner_type: expected User"


def test_owners_can_be_sent_back() -> None:
    """Sikoia's examples spell the type in lower case."""
    (endpoint,) = [one for one in ENDPOINTS if contract.ids(one) == "cases.update"]
    received: Any = "user"

    request = sent(endpoint, ownership=[CaseOwner(owner_id="1", owner_type=received)])

    assert b'"owner_type":"user"' in request.content
