"""Which words of Sikoia's errors a message repeats, and which it hides."""

import re
from collections.abc import Iterable, Iterator
from typing import Any, Final, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from spec import operations

from sikoia_async._codec.redaction import redact

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
        ("", ""),
    ],
    ids=ascii,
)
def test_values_are_hidden(text: str, shown: str) -> None:
    """Names, accounts, addresses, dates and every other word that is not the API's."""
    assert redact(text) == shown


def test_a_long_text_is_cut() -> None:
    """A page instead of a sentence does not fill the log."""
    assert redact("not " * 1000) == " ".join(["not"] * 75)


@given(st.text(), st.text())
def test_unknown_words_are_never_repeated(before: str, after: str) -> None:
    """A name is hidden, whatever surrounds it."""
    assert "canary" not in redact(f"{before}canary{after}").lower()
