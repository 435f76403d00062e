"""Models in requests are validated field by field."""

from typing import Any, Literal

import attrs
import pytest

from sikoia_async.errors import ArgumentTypeError
from sikoia_async.models import Model, Open
from sikoia_async.resources._request_models import validate_models
from sikoia_async.resources.cases import NewAddress, NewCompany, NewPerson, PersonUpdate


@attrs.frozen(kw_only=True)
class Sent(Model):
    """A request model with lists, and with a field that takes any JSON."""

    names: tuple[str, ...] | None = None
    anything: Any = 0


@pytest.mark.parametrize("fields", [{"names": ("a",)}, {"names": ["a"]}, {"anything": {"a": 1}}])
def test_lists_and_open_fields_are_accepted(fields: dict[str, Any]) -> None:
    """A list may be a tuple, and an open field takes any value."""
    sent = [Sent(**fields)]

    assert validate_models("sent", sent, Sent) is sent


@pytest.mark.parametrize("names", ["ab", ("a", 1), ("a", None), 5])
def test_a_list_of_another_type_is_refused(names: Any) -> None:
    """A string is not a list of strings, and every item is checked."""
    with pytest.raises(
        ArgumentTypeError, match=r"^sent: Sent\.names: expected a list, each item a string$"
    ):
        validate_models("sent", [Sent(names=names)], Sent)


@attrs.frozen(kw_only=True)
class Graded(Model):
    """A request model with an enum that may grow."""

    grade: Open[Literal["A", "B"]] | None = None


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (
            NewPerson(first_name="W", last_name="E", date_of_birth="1990-01-31"),  # type: ignore[arg-type]
            "NewPerson.date_of_birth: expected a date, such as datetime.date(1990, 1, 31)",
        ),
        (
            PersonUpdate(person_id="1", date_of_birth="1990-01-31"),  # type: ignore[arg-type]
            "PersonUpdate.date_of_birth: expected a date, such as datetime.date(1990, 1, 31) or ''",
        ),
        (
            NewPerson(first_name="W", last_name="E", is_officer="no"),  # type: ignore[arg-type]
            "NewPerson.is_officer: expected True or False",
        ),
        (
            NewPerson(first_name="W", last_name="E", postal_address="1 High Street"),  # type: ignore[arg-type]
            "NewPerson.postal_address: expected NewAddress",
        ),
        (
            NewCompany(company_name="Acme", company_number=12345678),  # type: ignore[arg-type]
            "NewCompany.company_number: expected a string",
        ),
        (NewCompany(company_name=None), "NewCompany.company_name: is required"),  # type: ignore[arg-type]
        (Graded(grade=1), "Graded.grade: expected a string"),  # type: ignore[arg-type]
    ],
)
def test_the_message_says_what_a_field_takes(model: Model, message: str) -> None:
    """And repeats no value, which may be personal."""
    with pytest.raises(ArgumentTypeError) as caught:
        validate_models("sent", [model], type(model))

    assert str(caught.value) == f"sent: {message}"


def test_a_nested_model_is_validated_too() -> None:
    """The message names the inner model."""
    person = NewPerson(first_name="W", last_name="E", postal_address=NewAddress(city=5))  # type: ignore[arg-type]

    with pytest.raises(ArgumentTypeError, match=r"^sent: NewAddress\.city: expected a string$"):
        validate_models("sent", [person], NewPerson)
