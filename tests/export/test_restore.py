"""What was stored becomes a model again, or an error that names the fields."""

import traceback
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import attrs
import pytest

from sikoia_async.errors import ConfigurationError
from sikoia_async.models import Entity, Items, Model
from sikoia_async.resources.banking import AccountTransactions
from sikoia_async.resources.cases import (
    Address,
    Case,
    CompanyUpdate,
    NewCompany,
    NewPerson,
    Person,
    PersonUpdate,
)

CANARY = "Wilma Canary"


@attrs.frozen(kw_only=True)
class Own:
    """A caller's class."""

    ratio: float | None = None
    whole: int | None = None
    flag: bool | None = None
    sizes: dict[str, int] | None = None
    names: list[str] | None = None
    entity: Entity | None = None
    either: int | list[int | None] | None = None


def refused(model: Any, values: Any) -> str:
    """Return the message of the error, checked to repeat no value."""
    with pytest.raises(ConfigurationError) as caught:
        model.from_dict(values)
    assert "Canary" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({}, "case_id: required, and missing"),
        ({"case_id": None}, "case_id: expected text"),
        ({"case_id": 1}, "case_id: expected text"),
        ({"case_id": "\ud800"}, "case_id: expected text"),
        ({"case_id": "1", "stage": 1}, "stage: expected text"),
        (
            {"case_id": "1", "datetime_created": "2024-01-31T12:00:00"},
            "datetime_created: expected a time with its zone, such as 2024-01-31T12:00:00Z",
        ),
        (
            {"case_id": "1", "datetime_created": datetime(2024, 1, 31)},  # noqa: DTZ001
            "datetime_created: expected a time with its zone, such as 2024-01-31T12:00:00Z",
        ),
        ({"case_id": "1", "number_of_companies": "2"}, "number_of_companies: expected a whole num"),
        ({"case_id": "1", "number_of_companies": True}, "number_of_companies: expected a whole n"),
        ({"case_id": "1", "number_of_companies": 1.5}, "number_of_companies: expected a whole num"),
        (
            {"case_id": "1", "number_of_companies": Decimal("1e999")},
            "number_of_companies: expected",
        ),
        ({"case_id": "1", "persons": CANARY}, "persons: expected a list"),
        ({"case_id": "1", "persons": [CANARY]}, "persons[0]: expected an object with the fields o"),
        ({"case_id": "1", "persons": [None]}, "persons[0]: expected an object with the fields of"),
        (
            {"case_id": "1", "persons": [{"person_id": "1", "is_officer": CANARY}]},
            "persons[0].is_officer: expected true or false",
        ),
        (
            {"case_id": "1", "persons": [{"person_id": "1", "date_of_birth": CANARY}]},
            "persons[0].date_of_birth: expected a date, as YYYY-MM-DD",
        ),
        (
            {"case_id": "1", "persons": [{"person_id": "1", "date_of_birth": datetime.now(UTC)}]},
            "persons[0].date_of_birth: expected a date, as YYYY-MM-DD",
        ),
        (
            {"case_id": "1", "persons": [{"person_id": "1", "date_of_birth": "20240131"}]},
            "persons[0].date_of_birth: expected a date, as YYYY-MM-DD",
        ),
        (
            {"case_id": "1", "persons": [{}, {CANARY: 1}]},
            "persons[0].person_id: required, and missing; persons[1].person_id: required, and",
        ),
    ],
)
def test_values_that_do_not_fit_are_named(values: Any, message: str) -> None:
    """Every field that does not fit, by its path; no value is repeated."""
    assert refused(Case, values).startswith(f"Case: {message}")


@pytest.mark.parametrize(
    "read",
    [
        lambda: Case.from_dict({"case_id": [CANARY]}),
        lambda: Case.from_json(f'{{"case_id": ["{CANARY}"]}}'),
        lambda: Items.from_dicts([{"case_id": [CANARY]}], Case),
        lambda: Items.from_json(f'[{{"case_id": ["{CANARY}"]}}]', Case),
        lambda: Case(case_id=CANARY, number_of_persons=b"a").to_json(),  # type: ignore[arg-type] # that is the point
        lambda: Items([Case(case_id=CANARY)]).to_dicts(only="a"),
    ],
    ids=["from_dict", "from_json", "from_dicts", "list from_json", "to_json", "to_dicts"],
)
def test_errors_hold_no_values(read: Callable[[], object]) -> None:
    """Error reporters record the local variables of each frame of a traceback."""
    with pytest.raises(ConfigurationError) as caught:
        read()

    trace = caught.value.__traceback__
    frames = [
        frame for frame, _ in traceback.walk_tb(trace) if "sikoia_async" in frame.f_code.co_filename
    ]
    assert frames
    assert "Canary" not in str([frame.f_locals for frame in frames])
    assert caught.value.__context__ is None


@pytest.mark.parametrize("values", [None, CANARY, [], 1, [("case_id", "1")]])
def test_a_model_is_an_object(values: Any) -> None:
    """Anything else is refused."""
    assert refused(Case, values) == "Case: expected an object with the fields of Case"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "Case: not valid JSON"),
        (b"\xff", "Case: not valid JSON"),
        ('{"case_id": NaN}', "Case: not valid JSON"),
        ("[]", "Case: expected an object with the fields of Case"),
        (None, "Case: expected JSON, as str or bytes"),
        ({"case_id": "1"}, "Case: expected JSON, as str or bytes"),
    ],
)
def test_what_is_not_json_is_refused(text: Any, message: str) -> None:
    """The error does not repeat the text."""
    with pytest.raises(ConfigurationError) as caught:
        Case.from_json(text)

    assert str(caught.value) == message


@pytest.mark.parametrize(
    "text", ['{"case_id": "ä"}', '{"case_id": "ä"}'.encode(), bytearray(b'{"case_id":"\xc3\xa4"}')]
)
def test_json_is_read_from_text_and_bytes(text: Any) -> None:
    """A file or a column of a database has either."""
    assert Case.from_json(text) == Case(case_id="ä")


def test_only_the_first_problems_are_shown() -> None:
    """With the number of the others, of at most 100."""
    message = refused(Case, {"case_id": "1", "persons": [{}] * 3000})

    assert message.count("required") == 5
    assert message.endswith("; and 95 more")


def test_fields_may_be_missing_and_unknown() -> None:
    """What an earlier or a later version stored is read."""
    assert Case.from_dict({"case_id": "1", "colour": "red"}) == Case(case_id="1")


def test_python_values_are_accepted() -> None:
    """`reveal` and a caller's own dict have them; models inside stay what they are."""
    person = Person(person_id="2", postal_address=Address(city="London"))
    case = Case(case_id="1", persons=(person,), datetime_created=datetime(2024, 1, 31, tzinfo=UTC))

    assert Case.from_dict(case.reveal()) == case
    assert Case.from_dict({"case_id": "1", "persons": [person]}).persons == (person,)
    assert Case.from_dict({"case_id": "1", "persons": [person]}).persons[0] is person


def test_numbers_of_json_may_be_written_with_a_fraction() -> None:
    """In JSON, 2.0 is a whole number."""
    assert Case.from_json('{"case_id": "1", "number_of_companies": 2.0}').number_of_companies == 2


@pytest.mark.parametrize(
    "text", ["NaN", "Infinity", "1,5", "٣", "1.5\n", "", "1e99999999999999999999"]
)
def test_text_that_is_not_a_decimal_is_refused(text: str) -> None:
    """Also what Python takes for one."""
    values = {"transactions": [{"amount": {"amount": text, "currency": "GBP"}}]}

    assert "amount: expected a decimal number as text" in refused(AccountTransactions, values)


@pytest.mark.parametrize(
    ("model", "values", "message"),
    [
        (
            NewCompany,
            {"company_name": "a", "jurisdiction_code": CANARY},
            "NewCompany: jurisdiction_code: expected a country code of two letters",
        ),
        (
            CompanyUpdate,
            {"company_id": CANARY},
            "CompanyUpdate: company_id: not a valid id; expected",
        ),
        (PersonUpdate, {"person_id": ""}, "PersonUpdate: person_id: not a valid id; expected"),
        (
            PersonUpdate,
            {"person_id": "1", "date_of_birth": CANARY},
            "PersonUpdate: date_of_birth: expected a date, as YYYY-MM-DD or ''",
        ),
        (NewPerson, {"first_name": "a"}, "NewPerson: last_name: required, and missing"),
    ],
)
def test_models_of_requests_are_validated(model: Any, values: Any, message: str) -> None:
    """As when they are sent, so that a form of a user is refused at once."""
    assert refused(model, values).startswith(message)


def test_fields_can_be_cleared() -> None:
    """An empty string is valid where it clears a field."""
    update = {"person_id": "1", "date_of_birth": "", "email": ""}

    assert PersonUpdate.from_dict(update) == PersonUpdate(person_id="1", date_of_birth="", email="")
    assert (
        NewCompany.from_dict({"company_name": "a", "jurisdiction_code": ""}).jurisdiction_code == ""
    )
    assert NewPerson.from_dict(
        {"first_name": "a", "last_name": "b", "date_of_birth": "2000-01-02"}
    ).date_of_birth == date(2000, 1, 2)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"ratio": 1}, Own(ratio=1.0)),
        ({"ratio": Decimal("0.5")}, Own(ratio=0.5)),
        ({"sizes": {"a": 1}}, Own(sizes={"a": 1})),
        ({"names": ["a"]}, Own(names=["a"])),
        ({"either": [1, None]}, Own(either=[1, None])),
        ({"entity": {"type": "case", "id": "1"}}, Own(entity=Entity("case", "1"))),
    ],
)
def test_a_callers_class_is_read(values: Any, expected: Own) -> None:
    """Its fields may have more types than those of models."""
    assert Items.from_dicts([values], Own) == (expected,)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"ratio": "1"}, "[0].ratio: expected a number"),
        ({"ratio": float("inf")}, "[0].ratio: expected a number"),
        ({"sizes": {"a": CANARY}}, "[0].sizes: expected JSON"),
        (
            {"either": 1.5},
            "[0].either: expected a whole number or a list of a whole number, or null",
        ),
        ({"ratio": True}, "[0].ratio: expected a number"),
        ({"flag": 1}, "[0].flag: expected true or false"),
        ({"entity": {"type": CANARY, "id": "1"}}, "[0].entity.type: expected 'case' or"),
        ({"entity": {"type": "case", "id": CANARY}}, "[0].entity.id: not a valid id; expected "),
    ],
)
def test_a_callers_class_is_checked(values: Any, message: str) -> None:
    """The errors are those of models."""
    with pytest.raises(ConfigurationError) as caught:
        Items.from_dicts([values], Own)

    assert str(caught.value).startswith(f"a list of Own: {message}")
    assert "Canary" not in str(caught.value)


def test_a_class_that_refuses_its_values_is_named() -> None:
    """The message of a caller's class may have the value, and is not shown."""

    def check(_: object, __: object, value: str) -> None:
        raise ValueError(value)

    @attrs.frozen
    class Strict(Model):
        name: str = attrs.field(validator=check)

    assert refused(Strict, {"name": CANARY}) == "Strict: not a Strict"


@pytest.mark.parametrize("values", [[object()], {1: 2}, {"a": float("nan")}])
def test_a_field_of_any_json_takes_only_json(values: Any) -> None:
    """Fractions become decimals, as in a response."""

    @attrs.frozen
    class Free(Model):
        data: Any

    assert refused(Free, {"data": values}) == "Free: data: expected JSON"
    assert Free.from_dict({"data": ({"a": 0.1},)}).data == [{"a": Decimal("0.1")}]
