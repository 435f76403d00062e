"""The first argument of a method: a model, or its id."""

from typing import Any

import pytest

from sikoia_async import ArgumentTypeError, ConfigurationError
from sikoia_async.resources._subjects import Subject
from sikoia_async.resources.cases import Case, CaseSummary, Company
from sikoia_async.resources.documents import Document, IntegrityCheckRequest

SECRET = "secret-1"
CASE = Subject("case", "case_id", CaseSummary)
DOCUMENT = Subject("document", "document_id", (Document, IntegrityCheckRequest))
NOTHING: Any = None


@pytest.mark.parametrize("case", ["c-1", CaseSummary(case_id="c-1"), Case(case_id="c-1")], ids=repr)
def test_a_model_or_its_id_is_accepted(case: CaseSummary | str) -> None:
    """Models of a subclass as well."""
    assert CASE.id_of(case) == "c-1"
    assert CASE.ids_of("cases", (case, "c-2")) == ["c-1", "c-2"]


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (None, "None"),
        (5, "int"),
        (b"secret-1", "bytes"),
        (Case, "type"),
        ({"case_id": SECRET}, "dict"),
        ([SECRET], "list"),
        (Company(company_id=SECRET, company_name=SECRET), "Company"),
    ],
    ids=repr,
)
def test_another_value_is_refused(value: Any, kind: str) -> None:
    """The error names the parameter and says what to pass, and never repeats the value."""
    with pytest.raises(ArgumentTypeError) as caught:
        CASE.id_of(value)

    assert str(caught.value) == (
        f"case: expected the case_id as a string, or CaseSummary, not {kind}"
    )


def test_all_models_that_are_accepted_are_named() -> None:
    """A document may also be named by its integrity check."""
    with pytest.raises(ArgumentTypeError, match="or Document or IntegrityCheckRequest, not None"):
        DOCUMENT.id_of(NOTHING)


@pytest.mark.parametrize(
    "model", [IntegrityCheckRequest(), Document(document_id=""), Document(document_id=NOTHING)]
)
def test_a_model_without_an_id_is_refused(model: Any) -> None:
    """Sikoia may leave an id out."""
    with pytest.raises(ConfigurationError, match=r"^document: this .* has no document_id; pass"):
        DOCUMENT.id_of(model)


@pytest.mark.parametrize("value", ["", "..", "a/secret-1", Case(case_id="a/secret-1")])
def test_an_invalid_id_is_refused(value: Any) -> None:
    """Whether it was given alone or in a model."""
    with pytest.raises(ConfigurationError, match=r"^case: not a valid id") as caught:
        CASE.id_of(value)

    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("value", ["c-1", Case(case_id=SECRET), {"c-1"}, [5], [None]], ids=repr)
def test_a_list_of_other_values_is_refused(value: Any) -> None:
    """A string would be read as a list of its characters."""
    with pytest.raises(ArgumentTypeError, match=r"^cases: expected ") as caught:
        CASE.ids_of("cases", value)

    assert "secret" not in str(caught.value)


def test_no_list_stays_no_list() -> None:
    """None is not sent."""
    assert CASE.ids_of("cases", None) is None
