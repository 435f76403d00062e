"""Personal data is found in URLs, in every spelling and encoding."""

from typing import Any
from urllib.parse import quote
from uuid import UUID

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from sikoia_async.sandbox.ledger.personal_data import (
    PersonalDataFinder,
    personal_values,
    personal_values_in_json,
)

WILMA = {
    "person_id": "00000000-0000-4000-8000-000000000000",
    "name": "Wilma Zoë Example",
    "first_name": "Wilma Zoë",
    "last_name": "Example",
    "email": "wilma@sandbox.example",
    "date_of_birth": "1985-06-12",
    "phone_number": "+44 (20) 7946-0000",
    "national_insurance_number": "QQ 12 34 56 C",
    "postal_address": {
        "house_number": "12",
        "address_line_1": "Sample Street",
        "city": "London",
        "post_code": "AB1 2CD",
        "country": "GB",
    },
    "employer": None,
    "previous": [{"surname": "Sample-Smith"}, {"surname": "Žižková"}, ("nothing",)],
    "is_officer": False,
}
FINDER = PersonalDataFinder(personal_values([{"persons": [WILMA]}]))

letters = st.characters(categories=["L", "N"])
names = st.lists(st.text(letters, min_size=3, max_size=8), min_size=1, max_size=3)


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        ("keyword=wilma+zoe", ["a name"]),
        ("keyword=Wilma%20Zo%C3%AB", ["a name"]),
        ("keyword=Wilma%20Zo%EB", ["a name"]),
        ("keyword=Zoe%CC%88-W", []),
        ("keyword=EXAMPLE,wilma", ["a name"]),
        ("keyword=%EF%BC%A5xample", ["a name"]),
        ("x=examplewilmazoe", []),
        ("x=examplezoewilma", ["a name"]),
        ("x=wilmazoeexample", ["a name"]),
        ("x=sample_smith", ["a name"]),
        ("x=wilma%40sandbox.example", ["a name", "an e-mail address"]),
        ("x=wilma%252540sandbox%25252Eexample", ["a name", "an e-mail address"]),
        ("born=1985-06-12", ["a date of birth"]),
        ("born=1985-06-12T00:00:00Z", ["a date of birth"]),
        ("born=19850612", ["a date of birth"]),
        ("12/06/1985", ["a date of birth"]),
        ("12.6.1985", ["a date of birth"]),
        ("06.12.1985", ["a date of birth"]),
        ("born=1985-06-13", []),
        ("tel=%2B442079460000", ["a phone number"]),
        ("tel=44+20+7946+0000", ["a phone number"]),
        ("tel=44+20+7946+0001", []),
        ("tel=4420+79460000", ["a phone number"]),
        ("x=zizkova", ["a name"]),
        ("x=%C5%BDI%C5%BDKOV%C3%81", ["a name"]),
        ("x=qq123456c&y=AB12CD", ["a national insurance number", "a part of an address"]),
        ("x=sample%20street", ["a part of an address"]),
        ("x=street&sample=1", []),
        ("keyword=London&country=GB&number=12", []),
        ("00000000-0000-4000-8000-000000000000", []),
        ("", []),
        ("%", []),
        ("%25%25%FF", []),
    ],
)
def test_personal_data_is_found_in_common_spellings(text: str, kinds: list[str]) -> None:
    """In any case, with any separators, without accents, encoded any number of times."""
    assert FINDER.kinds_in(text) == kinds


@given(words=names, times=st.integers(1, 3), data=st.data())
def test_personal_data_is_found_in_every_encoding(words: list[str], times: int, data: Any) -> None:
    """Any character may be percent-encoded."""
    finder = PersonalDataFinder([("a name", " ".join(words))])
    # Some letters leave nothing when their accents are removed.
    assume(finder.kinds_in(" ".join(words)))
    text = " ".join(words)
    for _ in range(times):
        text = "".join(
            "".join(f"%{byte:02X}" for byte in one.encode())
            if one == "%" or data.draw(st.booleans())
            else one
            for one in text
        )

    assert finder.kinds_in(f"a=b&keyword={text}&c=d") == ["a name"]
    assert finder.kinds_in(quote(text.replace(" ", "+"), safe="+%")) == ["a name"]


@given(st.lists(st.uuids(), min_size=1), st.sampled_from(["/", "-", "&id=", "%2F", " "]))
def test_ids_are_not_personal_data(ids: list[UUID], between: str) -> None:
    """Even if a part of one happens to be a name."""
    finder = PersonalDataFinder(("a name", word) for one in ids for word in str(one).split("-"))

    assert finder.kinds_in(between.join(map(str, ids))) == []


@pytest.mark.parametrize(
    ("record", "values"),
    [
        ({"name": "Loan"}, []),
        ({"name": "Wilma", "person_id": "1"}, [("a name", "Wilma")]),
        ({"search_term": "Wilma", "entity_type": "person"}, [("a name", "Wilma")]),
        ({"search_term": "Acme", "entity_type": "company"}, []),
        ({"company_name": "Acme", "first_name": None, "last_name": 7}, []),
        ([[{"email": "a@b.example"}]], [("an e-mail address", "a@b.example")]),
        ({"first_name": {"last_name": "Odd"}}, [("a name", "Odd")]),
        ("Wilma", []),
    ],
)
def test_personal_values_are_recognised_by_field(
    record: Any, values: list[tuple[str, str]]
) -> None:
    """The names of companies and cases are not personal."""
    assert list(personal_values([record])) == values


@pytest.mark.parametrize(
    ("body", "count"),
    [
        (b'{"first_name": "Wilma"}', 1),
        (b"", 0),
        (b"[", 0),
        (b"\xff", 0),
        (b"[" * 100_000, 0),
    ],
    ids=["JSON", "empty", "broken", "binary", "deep"],
)
def test_bodies_that_are_not_json_have_no_personal_values(body: bytes, count: int) -> None:
    """They raise nothing."""
    assert len(list(personal_values_in_json(body))) == count


@pytest.mark.parametrize(("kind", "text"), [("a name", "X"), ("a part of an address", "1 A")])
def test_very_short_values_are_ignored(kind: str, text: str) -> None:
    """A single letter would be found everywhere."""
    assert PersonalDataFinder([(kind, text), (kind, "-")]).kinds_in(text) == []
