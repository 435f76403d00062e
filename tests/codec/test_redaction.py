"""Which words of Sikoia's errors a message repeats, and which it hides."""

import ast
import pkgutil
import re
from collections.abc import Iterable, Iterator
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any, Final, Literal, cast, get_args, get_origin

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st
from spec import operations

from sikoia_async import resources, sandbox
from sikoia_async._codec.redaction import redact
from sikoia_async.models import Model
from sikoia_async.sandbox.errors import _STATUS_AND_TITLE
from sikoia_async.testing.cassettes.operations import OPERATIONS

_ID: Final = re.compile(r"\b[0-9a-f]{8}(-?[0-9a-f]{4}){3}-?[0-9a-f]{12}\b")


def _examples(node: Any) -> Iterator[str]:
    """Yield the type, title and detail of each error in an example."""
    inner: Iterable[Any] = list(cast("Iterable[Any]", node)) if isinstance(node, list) else ()
    if isinstance(node, dict):
        fields = cast("dict[str, Any]", node)
        if isinstance(fields.get("detail"), str):
            yield from (fields[name] for name in ("detail", "title", "type"))
        inner = fields.values()
    for one in inner:
        yield from _examples(one)


def test_documented_texts_are_shown_except_for_ids() -> None:
    """The examples of errors in the specification are repeated word for word."""
    responses = [item for one in operations().values() for item in one.responses.items()]
    texts = {text for status, one in responses if status >= 400 for text in _examples(one)}
    expected = {text: _ID.sub("***", " ".join(text.split())) for text in texts}

    assert len(texts) > 20
    assert {text: redact(text) for text in texts} == expected


def test_field_names_are_shown() -> None:
    """A message names the invalid field, however the API spells it."""
    text = "first_name, companies.add_directors and EntityId are required"

    assert redact(text) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Ada Lovelace already exists", "*** already exists"),
        ("The value 'Ada' of first_name is invalid.", "The value *** of first_name is invalid."),
        ("GB29 NWBK 6016 1331 9268 19 is not valid", "*** is not valid"),
        ("McDonald must not be empty", "*** must not be empty"),
        ("O'Neill, O\u2019Neill", "***"),
        ("nameAda is unknown", "*** is unknown"),
        ("name_Ada is unknown", "*** is unknown"),
        ("Zoë is unknown", "*** is unknown"),
        ("nameë is unknown", "*** is unknown"),
        ("email ada@example.com is invalid", "email *** is invalid"),
        ("date 1990-12-10 is in the future", "date *** is in the future"),
        ("a\r\nb\tis\x1b[31mit", "a ***"),
        ("The value of age is 42", "The value of *** is ***"),
        ("between 1990-12-10 and 12", "between *** and ***"),
        ("at least 12.345", "at least ***"),
        ("at most 12345", "at most ***"),
        ("flat[1] of number 12", "***[1] of number ***"),
        ("", ""),
    ],
    ids=ascii,
)
def test_values_are_hidden(text: str, shown: str) -> None:
    """Names, accounts, addresses, dates and every other word that is not the API's."""
    assert redact(text) == shown


@pytest.mark.parametrize(
    "text",
    [
        "stage must be one of New, InProgressWaitingCustomer, Approved.",
        "document_type must be one of BankStatement, FactFind, Identity, SA302, P45, Other",
        "companies[0].jurisdiction_code must be an ISO code such as GB or US_DE",
        "event_types[12] must be one of IdentityVerification.Completed, Insights",
        "One or more validation errors occurred.",
        "The field WebhookName must be a string with a maximum length of '50'.",
        "The field itemsPerPage must be between 1 and 1,000.",
        "Path: $.companies[3] | LineNumber: 0 | BytePositionInLine: 212.",
    ],
)
def test_rules_are_shown(text: str) -> None:
    """Values of enums, names of fields in any spelling, indexes and small limits."""
    assert redact(text) == text


def test_all_names_of_the_models_are_known() -> None:
    """Fields, parameters, and values of enums: add what is missing to the vocabulary."""
    names = set[str]()
    for module in _modules():
        for value in vars(module).values():
            names.update(_literals(value))
            if isinstance(value, type) and attrs.has(value) and issubclass(value, Model):
                names.update(field.name for field in attrs.fields(value))
    for operation in OPERATIONS:
        names.update(operation.parameters)

    assert len(names) > 500
    assert {name for name in names if redact(name) != name} == set()


def _modules() -> Iterator[ModuleType]:
    yield import_module("sikoia_async.models")
    yield import_module("sikoia_async.webhooks.events")
    for module in pkgutil.walk_packages(resources.__path__, f"{resources.__name__}."):
        yield import_module(module.name)


def _literals(annotation: Any) -> Iterator[str]:
    """Yield the strings of all `Literal[...]` in a type annotation."""
    if get_origin(annotation) is Literal:
        yield from (value for value in get_args(annotation) if isinstance(value, str))
    else:
        for part in get_args(annotation):
            yield from _literals(part)


def test_a_long_text_is_cut() -> None:
    """A page instead of a sentence does not fill the log."""
    assert redact("not " * 1000) == " ".join(["not"] * 75)


@given(st.text(), st.text())
def test_unknown_words_are_never_repeated(before: str, after: str) -> None:
    """A name is hidden, whatever surrounds it."""
    assert "canary" not in redact(f"{before}canary{after}").lower()


def _sandbox_texts() -> Iterator[str]:
    """Yield the texts of the local Sikoia's errors, with a field's name for each placeholder."""
    for path in Path(sandbox.__file__).parent.rglob("*.py"):
        if "inspector" in path.parts:
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            yield from _texts_of(node)


def _texts_of(node: ast.AST) -> Iterator[str]:
    named = list[ast.AST]()
    match node:
        case ast.Assign(targets=[ast.Name(id="detail" | "title")], value=value):
            named = [value]
        case ast.Call(func=ast.Name(id="ApiError" | "_broken" | "matching"), args=arguments):
            named = list(arguments[1:])
        case ast.Call(func=ast.Name(id="invalid_request" | "conflict"), args=arguments):
            named = list(arguments)
        case _:
            pass
    for one in named:
        match one:
            case ast.Constant(value=str(text)):
                yield text
            case ast.JoinedStr(values=values):
                yield "".join(
                    str(part.value) if isinstance(part, ast.Constant) else "companies[0].stage"
                    for part in values
                )
            case _:
                pass


def test_texts_of_the_local_sikoia_are_shown() -> None:
    """Nothing is hidden in its errors but ids, so that its users see what to change."""
    titles = {text for one in _STATUS_AND_TITLE.values() for text in (one[1],)}
    texts = titles | set(_STATUS_AND_TITLE) | set(_sandbox_texts())

    assert len(texts) > 50
    assert {text: redact(text) for text in texts} == {
        text: " ".join(text.split()) for text in texts
    }
