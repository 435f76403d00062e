"""Methods and models compared with Sikoia's specification: operations, fields, types, enums."""

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

EVENTS = "Sikoia's guide to webhooks lists the event types, the specification shows one or two"
# Where the SDK differs from the specification, and why.
DIFFERENCES = {
    "*_id: required": "nullable there, but an object without its own id could not be used",
    "checks.*.entity_type: required": "optional there, but an entity has an id and a type",
    "OnlineDataReport.entity_type: unknown": "only in the response to a request",
    "documents.upload.*_name: optional": "required there, but a path has a name",
    "documents.upload.file: PathLike for string": "base64 there; here a path, bytes or a stream",
    "screening.*.fuzziness: float for number": "only sent, and not money",
    "identity.list.verification_status: values that are not described*": "those of the response",
    "CreditLimit.value: Decimal for string": "money as a string",
    "BalanceAmount.value: Decimal for string": "money as a string",
    "ChecklistParameter.source_category_type: values that are not described (OpenBanking)": (
        "described for the sources of a check"
    ),
    "webhooks.*.event_types*: values that are not described*": EVENTS,
    "Webhook.event_types*: values that are not described*": EVENTS,
    "WebhookEventType.event_name: values that are not described*": EVENTS,
    "WebhookRequest.event_type: values that are not described*": EVENTS,
    "WebhookRequest.webhook_event_status: values that are not described*": "those of the filter",
    "WebhookEventType.event_types*: WebhookEventType for anything": "nested, by the guide",
}
RESPONSE_MODELS = {model for one in ENDPOINTS for model in contract.models_in(one.into)}
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
DOCUMENTED_ERRORS = {
    400: "InvalidRequestError",
    403: "InsufficientPermissionsError",
    404: "ResourceNotFoundError",
    409: "ConflictError",
    422: "UnprocessableRequestError",
}


def unexplained(differences: Iterable[str]) -> list[str]:
    """Return the differences that are not in the table."""
    return sorted(
        {one for one in differences if not any(fnmatch(one, known) for known in DIFFERENCES)}
    )


def response_differences(endpoint: Endpoint) -> list[str]:
    """Return where the models of a response differ from its schema."""
    found = list[str]()
    for into, media in endpoint.successes:
        if into is not bytes:
            found += differences(into, media["schema"], "response")
    # A field that a response always has may still be optional in a model.
    found = [one for one in found if not one.endswith(": optional")]
    if not endpoint.is_task:
        return found
    # The first response of a task is decoded like that of `retrieve`, but has no result, and its
    # schema describes less.
    less = re.compile(rf"{endpoint.into.__name__}\.\w+: (unknown|values that are not described.*)")
    return [one for one in found if not less.fullmatch(one)]


def request_differences(endpoint: Endpoint) -> list[str]:
    """Return where the parameters of a method differ from the request's schema."""
    operation = endpoint.operation
    fields = {name: one for name, one in as_fields(endpoint).items() if name not in endpoint.ids}
    query = {name: one for name, one in fields.items() if name in operation.query}
    body = {name: one for name, one in fields.items() if name not in query}
    name = contract.ids(endpoint)
    found = [
        *field_differences(query, {"properties": operation.query}, name),
        *field_differences(body, operation.request.get("schema", {}), name),
    ]
    return [one for one in found if not one.endswith(": missing, read only")]


def as_fields(endpoint: Endpoint) -> dict[str, Field]:
    """Return the parameters of a method as they are sent: a subject as its id, an entity as two."""
    fields = {
        endpoint.sent_as(name): (str, needed)
        if contract.is_subject(annotation)
        else (annotation, needed)
        for name, (annotation, needed) in endpoint.parameters().items()
    }
    if "entity" in fields:
        annotation, is_required = fields.pop("entity")
        assert annotation is HasEntity
        fields |= {"entity_type": (EntityType, is_required), "entity_id": (str, is_required)}
    return fields


def test_each_operation_has_a_method() -> None:
    """The methods call all operations of the specification, each of them once."""
    called = [(one.method, one.path) for one in ENDPOINTS]

    # The client itself requests access tokens.
    assert sorted([*called, ("POST", "/token")]) == sorted(spec.operations())
    assert len(called) == 70


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=contract.ids)
def test_each_method_calls_an_operation(endpoint: Endpoint) -> None:
    """A method calls an operation of the specification, and fills the placeholders of its path."""
    assert (endpoint.method, endpoint.path) in spec.operations()
    assert endpoint.ids.keys() == set(re.findall("{(.*?)}", endpoint.path))
    for name, filled_from in endpoint.ids.items():
        sent = {one for one in endpoint.parameters() if endpoint.sent_as(one) in {name, "entity"}}
        assert filled_from & sent


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=contract.ids)
def test_responses_have_the_fields_of_the_specification(endpoint: Endpoint) -> None:
    """The models of a response, at any depth, have the schema's fields, types and enums."""
    assert unexplained(response_differences(endpoint)) == []


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=contract.ids)
def test_parameters_are_those_of_the_specification(endpoint: Endpoint) -> None:
    """A method takes the fields of the request's body and the query parameters."""
    assert unexplained(request_differences(endpoint)) == []


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=contract.ids)
def test_every_parameter_is_sent(endpoint: Endpoint) -> None:
    """Each one under its own name."""
    fields = {**endpoint.body, **endpoint.query}

    assert fields.keys() | endpoint.ids.keys() == as_fields(endpoint).keys()
    for name, filled_from in fields.items():
        sent = {one for one in endpoint.parameters() if endpoint.sent_as(one) in {name, "entity"}}
        assert filled_from & sent


def test_models_require_only_their_own_id() -> None:
    """A null in any other field does not make a response unreadable."""
    needed = {
        model.__name__: [name for name, (_, must) in fields_of(model).items() if must]
        for model in RESPONSE_MODELS
    }

    assert needed.pop("WebhookSecret") == ["shared_key"]
    assert {name: one for name, one in needed.items() if len(one) > 1} == {}
    assert {one for (one, *_) in filter(None, needed.values())} == OWN_IDS


def test_personal_fields_are_masked() -> None:
    """Names, dates of birth, free text and references never appear in a repr."""
    fields = {
        (model, one.name, bool(one.metadata))
        for model in RESPONSE_MODELS
        for one in attrs.fields(model)
    }
    shown = {f"{model.__name__}.{name}" for model, name, masked in fields if not masked}

    assert {one for one in shown if one.partition(".")[2] in MASKED} == set()
    assert shown.isdisjoint(MASKED_HERE)


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=contract.ids)
def test_errors_are_documented(endpoint: Endpoint) -> None:
    """The docstring names the errors that callers may want to catch."""
    docstring = str(endpoint.function.__doc__)
    statuses = endpoint.operation.responses.keys() & DOCUMENTED_ERRORS.keys()
    if endpoint.name == "search":  # where 404 means that nothing matched
        statuses -= {404}

    assert [status for status in statuses if DOCUMENTED_ERRORS[status] not in docstring] == []


def test_the_table_has_no_outdated_differences() -> None:
    """A difference that no longer exists has to be removed from the table."""
    found = {
        one
        for endpoint in ENDPOINTS
        for one in (*response_differences(endpoint), *request_differences(endpoint))
    }

    assert [one for one in DIFFERENCES if not any(fnmatch(each, one) for each in found)] == []
