"""Models are types of pydantic: fields, adapters, JSON schema, and errors without values."""

import inspect
import json
import re
import subprocess
import sys
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from types import GenericAlias
from typing import Any, Final

import attrs
import pydantic
import pytest
from model_values import MODELS, filled, name_of

import sikoia_async
from sikoia_async.models import Entity, Items, Model
from sikoia_async.resources.banking import AccountTransactions, BankTransaction, TransactionAmount
from sikoia_async.resources.cases import (
    Address,
    Case,
    CaseSummary,
    NewCompany,
    NewPerson,
    Person,
    PersonUpdate,
)
from sikoia_async.resources.webhooks import WebhookEventType

CANARY = "Wilma Canary"
WILMA = {"first_name": "Wilma"}
CASE = Case(
    case_id="1",
    name=CANARY,
    case_type="Business",
    datetime_created=datetime(2024, 1, 31, 12, tzinfo=UTC),
    companies=(),
    persons=(Person(person_id="2", first_name="Wilma", date_of_birth=date(2000, 1, 2)),),
)


class Loan(pydantic.BaseModel):
    """A model of an application."""

    amount: Decimal = Decimal(1)
    case: Case
    cases: Items[CaseSummary] = Items()
    entity: Entity | None = None
    person: NewPerson | None = None


def adapter(kind: Any) -> Any:
    """Return pydantic's adapter of a type."""
    return pydantic.TypeAdapter(kind)


def refused(kind: Any, value: Any, *, as_json: bool = False) -> list[dict[str, Any]]:
    """Return the errors, checked to repeat no value."""
    type_ = adapter(kind)
    validate = type_.validate_json if as_json else type_.validate_python
    with pytest.raises(pydantic.ValidationError) as caught:
        validate(json.dumps(value) if as_json else value)
    error: Any = caught.value
    assert "Canary" not in f"{error} {error!r} {error.errors()} {error.json()}"
    errors: list[dict[str, Any]] = error.errors()
    return errors


@pytest.mark.parametrize("model", MODELS, ids=name_of)
def test_every_model_has_a_schema_and_survives_pydantic(model: Any) -> None:
    """Its JSON is that of `to_json`, and its schema accepts what it describes."""
    value, type_ = filled(model), adapter(model)

    written = type_.dump_json(value)

    assert type_.validate_python(value) is value
    assert json.loads(written) == value.to_dict()
    assert type_.validate_json(value.to_json()) == model.from_dict(json.loads(value.to_json()))
    for mode in ("validation", "serialization"):
        schema = type_.json_schema(mode=mode)
        assert fits(value.to_dict(), schema, schema.get("$defs", {}))


def fits(value: Any, schema: Any, definitions: Any) -> bool:  # noqa: PLR0911 - one for each form
    """Return whether a value fits a JSON schema, as far as those of models go."""
    if "$ref" in schema:
        return fits(value, definitions[schema["$ref"].removeprefix("#/$defs/")], definitions)
    if "anyOf" in schema:
        return any(fits(value, one, definitions) for one in schema["anyOf"])
    if "type" not in schema:
        return True
    kind: Any = TYPES[schema["type"]]
    if value.__class__ is not kind:
        return False
    if schema["type"] == "object":
        properties = schema["properties"]
        assert set(schema.get("required", ())) <= set(value) == set(properties)
        return all(fits(value[name], properties[name], definitions) for name in properties)
    if schema["type"] == "array":
        return all(fits(one, schema["items"], definitions) for one in value)
    is_known = value in schema.get("enum", [value]) and value == schema.get("const", value)
    return is_known and bool(re.search(schema.get("pattern", ""), str(value)))


TYPES: Final[dict[str, Any]] = {
    "object": dict,
    "array": list,
    "string": str,
    "integer": int,
    "boolean": bool,
    "null": type(None),
}


def test_models_are_fields() -> None:
    """An instance stays what it is; dicts and JSON become models."""
    loan = Loan(case=CASE, entity=Entity("case", "1"))

    again = Loan.model_validate_json(loan.model_dump_json())

    assert loan.case is CASE
    assert again == loan
    assert Loan.model_validate(loan.model_dump()) == loan
    assert Loan.model_validate(loan.model_dump(mode="json")) == loan
    assert loan.model_dump()["case"]["persons"][0]["date_of_birth"] == date(2000, 1, 2)
    assert loan.model_dump(mode="json")["case"] == CASE.to_dict()
    assert CANARY not in repr(loan)


def test_lists_are_items() -> None:
    """A list of the API stays what it is, with its response; a list of dicts becomes one."""
    items = Items([CaseSummary(case_id="1")])
    type_ = adapter(Items[CaseSummary])

    assert type_.validate_python(items) is items
    read = type_.validate_json('[{"case_id": "1"}]')
    assert (type(read), read) == (Items, items)
    assert type(type_.validate_python([items[0]])) is Items
    assert type(type_.validate_python(Items([{"case_id": "1"}]))[0]) is CaseSummary
    assert json.loads(type_.dump_json(items)) == items.to_dicts()
    assert type_.dump_python(items, mode="json") == items.to_dicts()
    assert adapter(Items).validate_python(["a"]) == ("a",)
    assert adapter(list[CaseSummary]).validate_python([{"case_id": "1"}]) == list(items)


def test_money_is_text_and_exact() -> None:
    """In JSON and in its schema; a float is refused."""
    amount = TransactionAmount(amount=Decimal("12345678901234567890.10"), currency="GBP")
    transactions = AccountTransactions(transactions=(BankTransaction(amount=amount),))
    type_ = adapter(AccountTransactions)

    assert b'"amount":"12345678901234567890.10"' in type_.dump_json(transactions)
    assert type_.validate_json(type_.dump_json(transactions)) == transactions
    described = type_.json_schema()["$defs"]["TransactionAmount"]["properties"]["amount"]
    assert described["anyOf"][0]["type"] == "string"
    pattern = described["anyOf"][0]["pattern"]
    assert [bool(re.search(pattern, one)) for one in ("1.50", "-0", "1E+3", "1,5", "NaN", "")] == [
        *[True] * 3,
        *[False] * 3,
    ]
    (problem,) = refused(AccountTransactions, {"transactions": [{"amount": {"amount": 0.1}}]})
    assert problem["loc"] == ("transactions", 0, "amount", "amount")


def test_the_schema_says_what_is_valid() -> None:
    """Names, enums that may grow, dates, nested models, and what is required."""
    schema = adapter(Case).json_schema()
    case, person = schema, schema["$defs"]["Person"]

    assert (case["title"], case["type"], case["required"]) == ("Case", "object", ["case_id"])
    assert case["description"] == inspect.getdoc(Case)
    known, any_text, nothing = case["properties"]["stage"]["anyOf"]
    assert {"New", "Approved"} < set(known["enum"])
    assert (any_text, nothing) == ({"type": "string"}, {"type": "null"})
    assert case["properties"]["datetime_created"]["anyOf"][0]["format"] == "date-time"
    assert person["properties"]["date_of_birth"]["anyOf"][0]["format"] == "date"
    assert person["required"] == ["person_id"]
    assert {"Address", "Company", "Person"} < schema["$defs"].keys()
    assert adapter(Items[Case]).json_schema()["type"] == "array"
    assert adapter(Entity).json_schema()["properties"]["type"]["enum"] == [
        "case",
        "company",
        "person",
    ]


def test_the_schema_is_the_same_in_both_directions() -> None:
    """So that FastAPI shows each model once."""
    for kind in (Case, Items[Case], AccountTransactions):
        both = [adapter(kind).json_schema(mode=mode) for mode in ("validation", "serialization")]
        assert both[0] == both[1]


def test_models_that_contain_themselves_have_a_schema() -> None:
    """By reference."""
    schema = adapter(WebhookEventType).json_schema()

    (name,) = schema["$defs"]
    assert schema["$ref"] == f"#/$defs/{name}"
    assert f'"$ref": "#/$defs/{name}"' in json.dumps(schema["$defs"][name])


def test_homonyms_do_not_clash() -> None:
    """Two models of one name have two definitions, each with its module."""

    def made(module: str, field: str) -> Any:
        body = {"__annotations__": {field: str}, "__module__": module, "__doc__": "A model."}
        return attrs.frozen(kw_only=True)(type("Officers", (Model,), body))

    one, other = made("one", "a"), made("other", "b")

    schema = adapter(GenericAlias(tuple, (one, other))).json_schema()

    properties = {name: set(found["properties"]) for name, found in schema["$defs"].items()}
    assert properties == {"one__Officers": {"a"}, "other__Officers": {"b"}}


@pytest.mark.parametrize("as_json", [False, True], ids=["python", "json"])
@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        (NewPerson, {"first_name": CANARY}, [("missing", ("last_name",))]),
        (NewPerson, CANARY, [("value_error", ())]),
        (
            NewPerson,
            {"first_name": 1, "last_name": CANARY, "date_of_birth": CANARY},
            [("value_error", ("first_name",)), ("value_error", ("date_of_birth",))],
        ),
        (
            Case,
            {"case_id": "1", "persons": [{"person_id": "1", "email": [CANARY]}]},
            [("value_error", ("persons", 0, "email"))],
        ),
        (
            NewCompany,
            {"company_name": "a", "jurisdiction_code": CANARY},
            [("value_error", ("jurisdiction_code",))],
        ),
        (Entity, {"type": CANARY, "id": "1"}, [("value_error", ("type",))]),
        (Entity, {"type": "case", "id": CANARY}, [("value_error", ("id",))]),
        (Items[Case], {"a": CANARY}, [("value_error", ())]),
        (Items[Case], [{"case_id": [CANARY]}], [("value_error", (0, "case_id"))]),
        (list[NewPerson], [{"first_name": CANARY}], [("missing", (0, "last_name"))]),
        (
            Loan,
            {
                "case": {"case_id": [CANARY]},
                "person": {"first_name": CANARY, "last_name": [CANARY]},
            },
            [("value_error", ("case", "case_id")), ("value_error", ("person", "last_name"))],
        ),
    ],
)
def test_errors_name_the_field_and_repeat_no_value(
    kind: Any, value: Any, expected: Any, *, as_json: bool
) -> None:
    """Pydantic shows the input of an error: ours have none."""
    found = refused(kind, value, as_json=as_json)

    assert [(one["type"], one["loc"]) for one in found] == expected
    assert {one["input"] for one in found} == {"***"}


def test_deep_nesting_is_an_error() -> None:
    """It neither crashes nor is it a RecursionError."""
    body: Any = {"event_types": None}
    for _ in range(3000):
        body = {"event_types": [body]}

    (problem,) = refused(WebhookEventType, body)

    assert problem["msg"] == "nested too deeply"


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"include": {"case_id"}}, {"case_id": "1"}),
        (
            {"include": {"persons": {"__all__": {"first_name"}}}},
            {"persons": [{"first_name": "Wilma"}]},
        ),
        (
            {"include": {"persons": {0: {"first_name": True}}}},
            {"persons": [{"first_name": "Wilma"}]},
        ),
        ({"include": {"case_id": ..., "companies": True}}, {"case_id": "1", "companies": []}),
        (
            {"include": {"case_id", "persons"}, "exclude": {"persons": {"__all__"}}},
            {"case_id": "1", "persons": []},
        ),
        (
            {
                "include": {"persons": True},
                "exclude": {"persons": {0: {"date_of_birth"}}},
                "exclude_none": True,
            },
            {"persons": [{"person_id": "2", "first_name": "Wilma"}]},
        ),
    ],
)
def test_pydantics_selection_works(options: Any, expected: Any) -> None:
    """`include`, `exclude` and `exclude_none`, as FastAPI's `response_model_include` has them."""
    assert adapter(Case).dump_python(CASE, mode="json", **options) == expected


def test_fields_of_a_subclass_are_left_out() -> None:
    """What is declared is what is sent, as with pydantic's own models."""
    plain = adapter(Items[CaseSummary]).dump_python(Items([CASE]), mode="json")
    person = NewPerson(
        first_name="a", last_name="b", postal_address=Address(city="London", summary_line="London")
    )

    assert (
        plain == CASE.to_dict(only=tuple(CaseSummary(case_id="1").to_dict()))
        or "persons" not in plain[0]
    )
    assert "persons" not in plain[0]
    assert "summary_line" not in adapter(NewPerson).dump_python(person)["postal_address"]


def test_unions_are_validated() -> None:
    """A date, or an empty string that clears it."""
    type_ = adapter(PersonUpdate)

    assert type_.validate_python({"person_id": "1", "date_of_birth": ""}).date_of_birth == ""
    assert type_.dump_python(PersonUpdate(person_id="1", date_of_birth=""))["date_of_birth"] == ""
    described = type_.json_schema()["properties"]["date_of_birth"]
    assert [fits(one, described, {}) for one in ("2000-01-02", "", None)] == [True] * 3


def test_a_dict_in_place_of_a_model_is_passed_on() -> None:
    """`model_construct` validates nothing, and pydantic serialises what it finds."""
    loan = Loan.model_construct(case={"case_id": "1"})

    assert loan.model_dump()["case"] == {"case_id": "1"}


def test_a_selection_inside_a_plain_field_selects_all_of_it() -> None:
    """Only models and lists have parts."""
    dumped = adapter(NewPerson).dump_python(
        NewPerson(first_name="A", last_name="B"), include={"first_name": {"letters": True}}
    )

    assert dumped == {"first_name": "A"}


def test_pydantic_is_not_imported_until_it_asks() -> None:
    """Importing, decoding and exporting models do without it."""
    script = (
        "import sys; from sikoia_async.resources.cases import Case; "
        "Case.from_json(Case(case_id='1').to_json()); print(*sys.modules)"
    )
    root = Path(sikoia_async.__file__).parents[1]

    loaded = subprocess.check_output([sys.executable, "-c", script], text=True, cwd=root).split()

    assert "sikoia_async.models" in loaded
    assert [name for name in loaded if "pydantic" in name] == []


def test_a_callers_class_has_a_schema_inside_a_list() -> None:
    """Also with types that models do not have, and defaults that are made."""

    @attrs.frozen
    class Own(Model):
        ratio: float = 0.5
        names: tuple[str, ...] = attrs.Factory(tuple)

    schema = adapter(Own).json_schema()["properties"]

    assert (schema["ratio"]["type"], "default" in schema["names"]) == ("number", False)
    assert adapter(Own).validate_python({"ratio": 2}) == Own(ratio=2.0)
