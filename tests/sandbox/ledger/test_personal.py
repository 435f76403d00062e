"""What is about a person, found in a URL however it is written."""

from typing import Any
from urllib.parse import quote
from uuid import UUID

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from sikoia_async.sandbox.ledger.personal import Personal, told_by, told_in

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
KNOWN = Personal(told_by([{"persons": [WILMA]}]))

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
def test_it_is_found_as_people_write_it(text: str, kinds: list[str]) -> None:
    """In any case, with any gaps, without accents, encoded once or more often."""
    assert KNOWN.kinds_in(text) == kinds


@given(words=names, times=st.integers(1, 3), data=st.data())
def test_it_is_found_however_it_is_encoded(words: list[str], times: int, data: Any) -> None:
    """Any of its letters may be percent-encoded."""
    known = Personal([("a name", " ".join(words))])
    # What is left of some letters without their accents is nothing.
    assume(known.kinds_in(" ".join(words)))
    text = " ".join(words)
    for _ in range(times):
        text = "".join(
            "".join(f"%{byte:02X}" for byte in one.encode())
            if one == "%" or data.draw(st.booleans())
            else one
            for one in text
        )

    assert known.kinds_in(f"a=b&keyword={text}&c=d") == ["a name"]
    assert known.kinds_in(quote(text.replace(" ", "+"), safe="+%")) == ["a name"]


@given(st.lists(st.uuids(), min_size=1), st.sampled_from(["/", "-", "&id=", "%2F", " "]))
def test_ids_are_nobody(ids: list[UUID], between: str) -> None:
    """Whatever words there are in them by chance."""
    known = Personal(("a name", word) for one in ids for word in str(one).split("-"))

    assert known.kinds_in(between.join(map(str, ids))) == []


@pytest.mark.parametrize(
    ("record", "told"),
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
def test_what_tells_of_a_person(record: Any, told: list[tuple[str, str]]) -> None:
    """A field does by its name; what a company, a case or a search is called need not be one."""
    assert list(told_by([record])) == told


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
def test_a_body_may_be_anything(body: bytes, count: int) -> None:
    """What is no JSON tells nothing."""
    assert len(list(told_in(body))) == count


@pytest.mark.parametrize(("kind", "text"), [("a name", "X"), ("a part of an address", "1 A")])
def test_what_is_too_short_is_nobodys(kind: str, text: str) -> None:
    """A letter would be found everywhere."""
    assert Personal([(kind, text), (kind, "-")]).kinds_in(text) == []
