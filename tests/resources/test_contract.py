"""Methods and models against Sikoia's specification: operations, fields, types, enums."""

import re
from collections.abc import Iterable
from fnmatch import fnmatch

import attrs
import contract
import pytest
import spec
from comparison import Field, differences, field_differences, fields_of
from contract import ENDPOINTS, Endpoint

from sikoia_async.models import EntityType, HasEntity

EVENTS = "the vendor's guide to webhooks lists the events, the specification shows one or two"
# Where we differ from the specification, and why.
DIFFERENCES = {
    "*_id: required": "nullable there, but an object without its own id could not be used",
    "checks.*.entity_type: required": "optional there, but an entity has an id and a type",
    "documents.upload.*_name: optional": "required there, but a path has a name",
    "documents.upload.file: PathLike for string": "base64 there; paths, bytes and streams are read",
    "screening.*.fuzziness: float for number": "sent, and no money",
    "identity.list.verification_status: values that are not described*": "those of the answer",
    "CreditLimit.value: Decimal for string": "money, as text",
    "BalanceAmount.value: Decimal for string": "money, as text",
    "ChecklistParameter.source_category_type: values that are not described (OpenBanking)": (
        "described where a check lists its sources"
    ),
    "webhooks.*.event_types*: values that are not described*": EVENTS,
    "Webhook.event_types*: values that are not described*": EVENTS,
    "WebhookEventType.event_name: values that are not described*": EVENTS,
    "WebhookRequest.event_type: values that are not described*": EVENTS,
    "WebhookRequest.webhook_event_status: values that are not described*": "those of the filter",
    "WebhookEventType.event_types*: WebhookEventType for anything": "the guide nests them",
}
READ = {model for one in ENDPOINTS for model in contract.models_in(one.into)}
OWN_IDS = {
    *("request_id", "case_id", "company_id", "person_id", "document_id", "user_id", "webhook_id"),
    *("account_connection_id", "bank_connection_id"),
    *("validation_instance_id", "validation_type_id"),
}
MASKED = {
    *("first_name", "last_name", "surname", "full_name", "date_of_birth", "birth_year"),
    *("birth_month", "birth_day", "place_of_birth", "nationality", "gender", "message"),
    *("webhook_callback_url", "reference", "reference_customer_id", "email"),
}
MASKED_HERE = {
    *("Filing.description", "ChargeNote.description", "IdentityDocument.country_code"),
    *("PersonOfficer.source_id", "PersonOwner.source_id", "CheckRule.message"),
}
REFUSALS = {
    403: "InsufficientPermissionsError",
    404: "ResourceNotFoundError",
    409: "ConflictError",
    422: "UnprocessableRequestError",
}


def unexplained(found: Iterable[str]) -> list[str]:
    """Return the differences that are not in the table."""
    return sorted({one for one in found if not any(fnmatch(one, known) for known in DIFFERENCES)})


def read(endpoint: Endpoint) -> list[str]:
    """Return where what an answer becomes differs from its schema."""
    found = list[str]()
    for into, answer in endpoint.successes:
        if into is not bytes:
            found += differences(into, answer["schema"], "answer")
    # What an answer always has may be optional for us all the same.
    found = [one for one in found if not one.endswith(": optional")]
    if not endpoint.is_task:
        return found
    # The first answer of a task is the report that `retrieve` gives, without its result, and
    # described in fewer words.
    less = re.compile(rf"{endpoint.into.__name__}\.\w+: (unknown|values that are not described.*)")
    return [one for one in found if not less.fullmatch(one)]


def sent(endpoint: Endpoint) -> list[str]:
    """Return where the parameters of a method differ from its request."""
    operation = endpoint.operation
    given = {name: one for name, one in as_fields(endpoint).items() if name not in endpoint.ids}
    query = {name: one for name, one in given.items() if name in operation.query}
    body = {name: one for name, one in given.items() if name not in query}
    name = contract.ids(endpoint)
    found = [
        *field_differences(query, {"properties": operation.query}, name),
        *field_differences(body, operation.request.get("schema", {}), name),
    ]
    return [one for one in found if not one.endswith(": missing, read only")]


def as_fields(endpoint: Endpoint) -> dict[str, Field]:
    """Return the parameters of a method; an entity is two fields."""
    fields = endpoint.parameters()
    if "entity" in fields:
        annotation, is_required = fields.pop("entity")
        assert annotation is HasEntity
        fields |= {"entity_type": (EntityType, is_required), "entity_id": (str, is_required)}
    return fields


def test_each_operation_has_a_method() -> None:
    """The methods call the operations of the specification, all of them, each one once."""
    called = [(one.method, one.path) for one in ENDPOINTS]

    # The client itself asks for tokens.
    assert sorted([*called, ("POST", "/token")]) == sorted(spec.operations())
    assert len(called) == 70


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=contract.ids)
def test_each_method_calls_an_operation(endpoint: Endpoint) -> None:
    """A method calls what the specification has, and fills what its path leaves open."""
    assert (endpoint.method, endpoint.path) in spec.operations()
    assert endpoint.ids.keys() == set(re.findall("{(.*?)}", endpoint.path))
    for name, filled_from in endpoint.ids.items():
        assert {name, "entity"} & filled_from & endpoint.parameters().keys()


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=contract.ids)
def test_answers_have_the_fields_of_the_specification(endpoint: Endpoint) -> None:
    """The models that we read, and those in them, have the schema's fields, types and enums."""
    assert unexplained(read(endpoint)) == []


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=contract.ids)
def test_parameters_are_those_of_the_specification(endpoint: Endpoint) -> None:
    """A method takes the fields of its request's body, and the parameters of its query."""
    assert unexplained(sent(endpoint)) == []


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=contract.ids)
def test_what_is_given_is_sent(endpoint: Endpoint) -> None:
    """Each parameter goes out under its own name, and none is forgotten."""
    fields = {**endpoint.body, **endpoint.query}

    assert fields.keys() | endpoint.ids.keys() == as_fields(endpoint).keys()
    for name, filled_from in fields.items():
        assert {name, "entity"} & filled_from


def test_an_object_needs_nothing_but_its_own_id() -> None:
    """A model requires what it is asked for by, if anything: null elsewhere loses no answer."""
    needed = {
        model.__name__: [name for name, (_, must) in fields_of(model).items() if must]
        for model in READ
    }

    assert needed.pop("WebhookSecret") == ["shared_key"]
    assert {name: one for name, one in needed.items() if len(one) > 1} == {}
    assert {one for (one, *_) in filter(None, needed.values())} == OWN_IDS


def test_personal_fields_are_masked() -> None:
    """Births and names, free text and references never stand in a repr."""
    fields = {
        (model, one.name, bool(one.metadata)) for model in READ for one in attrs.fields(model)
    }
    shown = {f"{model.__name__}.{name}" for model, name, masked in fields if not masked}

    assert {one for one in shown if one.partition(".")[2] in MASKED} == set()
    assert shown.isdisjoint(MASKED_HERE)


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=contract.ids)
def test_refusals_are_documented(endpoint: Endpoint) -> None:
    """What a caller may want to catch stands in the docstring."""
    told = str(endpoint.function.__doc__)
    refused = endpoint.operation.responses.keys() & REFUSALS.keys()
    if endpoint.name == "search":  # where it means that nothing matched
        refused -= {404}

    assert [status for status in refused if REFUSALS[status] not in told] == []


def test_the_differences_are_still_there() -> None:
    """A difference that has gone goes from the table."""
    found = {one for endpoint in ENDPOINTS for one in (*read(endpoint), *sent(endpoint))}

    assert [one for one in DIFFERENCES if not any(fnmatch(each, one) for each in found)] == []
