"""What stays of a value in a cassette, and what does not, whoever says it."""

import re
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any, get_args, get_origin
from uuid import NAMESPACE_DNS, UUID, uuid3, uuid4, uuid5

import attrs
import contract
import msgspec
import pytest
from contract import ENDPOINTS, Endpoint
from hypothesis import given
from hypothesis import strategies as st

from sikoia_async._codec.drift import Drift
from sikoia_async._codec.loader import load_hook
from sikoia_async.models import Items, field_types
from sikoia_async.resources.banking import BankAccount
from sikoia_async.resources.cases import Case, NewPerson, Person
from sikoia_async.resources.checks import CheckSource
from sikoia_async.resources.data_sources import DataSource
from sikoia_async.resources.documents import Document
from sikoia_async.resources.identity import IdentityData, IdentityPerson, IdentityReport
from sikoia_async.resources.income.reports import IncomeReport
from sikoia_async.resources.webhooks import PaginationMetaData, WebhookRequest, WebhookSecret
from sikoia_async.testing.cassettes.ids import Pseudonyms
from sikoia_async.testing.cassettes.operations import alternatives, find
from sikoia_async.testing.cassettes.scrub import AS_SENT, ELSEWHERE, LINKS, Scrubber

_READ = [one for one in ENDPOINTS if one.into not in {bytes, type(None)}]
_ID = "aaaaaaaa-2222-4333-8444-55555555555f"
_MARK = "Wilhelmina"
_DEEPEST = 12


@pytest.fixture
def scrubber() -> Scrubber:
    """Make a scrubber of a cassette."""
    return Scrubber(Pseudonyms("salt"), "https://api.example")


@attrs.define
class Sample:
    """Fills each field of a model, and its list with one of each, as `personal` says."""

    personal: Callable[[Any], Any]
    """Gives the value of a personal field of some type."""
    kept: list[str] = attrs.field(factory=list[str])

    def of(self, wanted: Any, depth: int = 0) -> Any:
        """Return JSON of this type, with a field in each object that nobody knows."""
        kind = alternatives(wanted)[0]
        if get_origin(kind) in {tuple, Items}:
            # A model may contain itself.
            return [self.of(get_args(kind)[0], depth + 1)] if depth < _DEEPEST else []
        if not attrs.has(kind):
            return self._scalar(kind)
        fields = attrs.fields_dict(kind)
        found = {
            name: self._personal(one) if fields[name].metadata else self.of(one, depth + 1)
            for name, one in field_types(kind).items()
        }
        return {**found, f"{_MARK}-surprise": _MARK, "surprise": {"name": _MARK, "list": [_MARK]}}

    def _personal(self, wanted: Any) -> Any:
        kind = alternatives(wanted)[0]
        if get_origin(kind) is tuple:
            return [self.personal(get_args(kind)[0])] * 2
        return self.personal(kind)

    def _scalar(self, kind: Any) -> Any:
        if get_origin(kind) is Annotated:
            return get_args(get_args(kind)[1])[0]
        if kind is str:
            self.kept.append(f"kept-{len(self.kept)}")
            return self.kept[-1]
        return _PLAIN[kind]


_PLAIN: dict[Any, Any] = {
    int: 7,
    float: 0.5,
    bool: True,
    Decimal: Decimal("12.30"),
    date: "2026-03-04",
    datetime: "2026-03-04T05:06:07Z",
}


def of_wilma(kind: Any) -> Any:
    """Give what is somebody's."""
    born: dict[Any, Any] = {date: "1985-06-12", datetime: "1985-06-12T00:00:00Z", int: 1985}
    return born.get(kind, {"who": _MARK} if kind is Any else f"{_MARK} 1985")


def of_nobody(kind: Any) -> Any:
    """Give what is nobody's."""
    born: dict[Any, Any] = {date: "2001-01-01", datetime: "2001-01-01T00:00:00Z", int: 2001}
    return born.get(kind, {} if kind is Any else "nobody")


def written(value: Any) -> str:
    """Return what would stand in the file."""
    return msgspec.json.Encoder(decimal_format="number").encode(value).decode()


@pytest.mark.parametrize("endpoint", _READ, ids=contract.ids)
def test_what_is_left_of_an_answer_is_what_may_be(scrubber: Scrubber, endpoint: Endpoint) -> None:
    """All fields are there and can be read; of the personal and the unknown ones nothing is."""
    sample = Sample(of_wilma)
    answer = sample.of(endpoint.into)

    left = scrubber.answer(answer, endpoint.into)

    text = written(left)
    assert _MARK not in text
    assert "1985" not in text
    assert "surprise" not in text
    # What leads to other pages is no text that stays, but an address.
    leads_on = 2 if "next_page_url" in text else 0
    assert [one for one in sample.kept[leads_on:] if f'"{one}"' not in text] == []
    drift = Drift()
    into: Any = endpoint.into
    rows: Any = tuple[get_args(into)[0], ...] if get_origin(into) is Items else into  # type: ignore[misc]
    load_hook(rows)(text.encode(), drift)
    assert drift == {}


@pytest.mark.parametrize("endpoint", _READ, ids=contract.ids)
def test_what_is_left_does_not_depend_on_whose_it_is(
    scrubber: Scrubber, endpoint: Endpoint
) -> None:
    """So that it tells nothing of them."""
    one, other = (Sample(of).of(endpoint.into) for of in (of_wilma, of_nobody))

    assert one != other or not any(_personal(endpoint.into))
    assert scrubber.answer(one, endpoint.into) == scrubber.answer(other, endpoint.into)


def _personal(into: Any) -> list[str]:
    models = contract.models_in(into)
    return [field.name for one in models for field in attrs.fields(one) if field.metadata]


_TEXT = st.text(min_size=1).filter(
    lambda one: "@" not in one and not re.match("https?://", one, re.IGNORECASE)
)
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-99, 99) | _TEXT,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(_TEXT, inner, max_size=2),
    max_leaves=4,
)


@given(texts=st.lists(_TEXT, min_size=4, max_size=4), born=st.dates())
def test_whatever_somebody_is_called_the_same_is_left(texts: list[str], born: date) -> None:
    """Texts and dates of any kind."""
    scrubber = Scrubber(Pseudonyms("salt"))
    first, last, number, message = texts
    person = {"first_name": first, "surname": last, "date_of_birth": str(born), "birth_year": 1999}
    report = {
        "request_id": _ID,
        "message": message,
        "data": {"person": person, "document": {"number": number}},
    }

    left = scrubber.answer(report, IdentityReport)

    assert left["message"] == left["data"]["document"]["number"] == "***"
    assert left["data"]["person"] == {
        "first_name": "***",
        "surname": "***",
        "date_of_birth": "1900-01-01",
        "birth_year": 1,
    }


@given(value=_JSON)
def test_junk_becomes_nothing_of_its_type(value: Any) -> None:
    """What is of another type than its model says, or in a field that is personal."""
    scrubber = Scrubber(Pseudonyms("salt"))

    for into in (Case, IdentityPerson, Items[Person], IdentityData):
        assert _is_nothing(scrubber.answer(value, into))
        assert _is_nothing(scrubber.answer({"surprise": value}, into))
    for name in ("date_of_birth", "birth_day", "first_name"):
        assert _is_nothing(scrubber.answer({name: value}, IdentityPerson)[name])
    assert _is_nothing(scrubber.answer({"event_data": value}, WebhookRequest)["event_data"])
    assert _is_nothing(scrubber.answer({"data": value}, IncomeReport)["data"])


def _is_nothing(value: Any) -> bool:
    if isinstance(value, list):
        return all(map(_is_nothing, value))  # pyright: ignore[reportUnknownArgumentType]
    return value in (None, "", "***", "1900-01-01", 0, 1, {})


@pytest.mark.parametrize(
    ("into", "field", "value", "left"),
    [
        (Person, "email", "wilma@example.com", "nobody@cassette.invalid"),
        (Person, "email", None, None),
        (Person, "email", "", ""),
        (Person, "date_of_birth", "one day in June", "***"),
        (Person, "date_of_birth", 19850612, 0),
        (Person, "first_name", True, False),
        (Person, "is_officer", "true", "true"),
        (Person, "is_officer", "perhaps", "***"),
        (Case, "stage", "New", "New"),
        (Case, "stage", "new", "new"),
        (Case, "stage", "Wilma's", "***"),
        (Case, "stage", 5, 0),
        (Case, "number_of_persons", "12", "12"),
        (Case, "number_of_persons", "a dozen", "***"),
        (Case, "datetime_created", "2026-03-04T05:06:07Z", "2026-03-04T05:06:07Z"),
        (Case, "datetime_created", "soon", "***"),
        (Case, "persons", "[]", []),
        (Case, "persons", '[{"first_name": "Wilma"}]', [{"first_name": "***"}]),
        (Case, "persons", "[", "***"),
        (Case, "persons", {"first_name": "Wilma"}, {}),
        (Case, "source", ["Wilma"], []),
        (Case, "source", {"name": "Wilma"}, {}),
        (Case, "source", 12, 12),
        (Case, "source", Decimal("1.50"), Decimal("1.50")),
        (Case, "source", True, False),
        (Case, "source", "a https://u:p@x.example/y?sig=1#a b", "a https://x.example/y b"),
        (Case, "source", "https://u:p@ss@x.example/y", "https://x.example/y"),
        (Case, "source", "s3://u:p@x.example/y?sig=1", "s3://x.example/y"),
        (Case, "source", "of wilma.f+x@mail.example, new", "of nobody@cassette.invalid, new"),
        (Case, "source", "https://api.example/v2/cases", "https://cassette.invalid/v2/cases"),
        (Case, "source", "https://API.example/v2/cases", "https://cassette.invalid/v2/cases"),
        (Case, "source", "at https://api.example", "at https://cassette.invalid"),
        (Case, "source", "https://api.example.org/x", "https://api.example.org/x"),
        (Case, "ownership", '[{"owner_type": "User"}]', [{"owner_type": "User"}]),
        (BankAccount, "owners_name", ["A", "B"], ["***", "***"]),
        (BankAccount, "owners_name", '["A"]', ["***"]),
        (WebhookSecret, "shared_key", "abc", "a-secret-of-the-cassette"),
        (PaginationMetaData, "next_page_url", "https://api.example/v2/moon", ELSEWHERE),
        (PaginationMetaData, "next_page_url", "https://other.example/v2/users", ELSEWHERE),
        (PaginationMetaData, "next_page_url", "/v2/users?wilma=1", "/v2/users"),
        (PaginationMetaData, "next_page_url", 5, 5),
    ],
)
def test_values_that_are_special(
    scrubber: Scrubber, into: Any, field: str, value: Any, left: Any
) -> None:
    """Each is replaced by something of its type; what is empty stays empty."""
    found = scrubber.answer({field: value}, into)[field]

    assert (found, type(found)) == (left, type(left))


def test_a_pages_address_leads_on_with_other_ids(scrubber: Scrubber) -> None:
    """Its parameters are those that the operation knows."""
    ids = Pseudonyms("salt")
    address = f"https://api.example/v2/webhooks/{_ID}/requests"
    query = f"?after_request_id={_ID}&pagination_direction=Forward&event_status=Failed&cursor=Wilma"

    page = scrubber.answer({"next_page_url": address + query}, PaginationMetaData)

    new = ids.whole(_ID)
    assert page["next_page_url"] == (
        f"/v2/webhooks/{new}/requests"
        f"?after_request_id={new}&event_status=Failed&pagination_direction=Forward"
    )


def test_links_are_numbered_by_their_answers(scrubber: Scrubber) -> None:
    """So that what is fetched by one is found again; a strange link has the number of none."""
    data = {"media": [{"uri": f"https://files.example/{one}?sig=x"} for one in (1, 2, 1)]}

    left = scrubber.answer(data, IdentityData)

    uris = [one["uri"] for one in left["media"]]
    assert uris == [f"https://cassette.invalid/{one}" for one in (1, 2, 1)]
    assert scrubber.link_number("https://files.example/2?sig=x") == "2"
    assert scrubber.link_number("https://files.example/3?sig=x") == "0"
    assert scrubber.link_number(uris[1]) == "2"


@pytest.mark.parametrize(
    ("link", "asked"),
    [
        ("https://FILES.example/a b.pdf?sig=a%2fb", "https://files.example/a%20b.pdf?sig=a%2fb"),
        ("https://files.example:443/é.pdf", "https://files.example/%C3%A9.pdf"),
        ("https://files.example/a.pdf#page=1", "https://files.example/a.pdf"),
        ("https://files.example", "https://files.example/"),
        ("https://files:x/", "https://files:x/"),
    ],
)
def test_a_link_is_found_however_it_is_written(scrubber: Scrubber, link: str, asked: str) -> None:
    """What is asked for is what HTTP makes of the link that came."""
    scrubber.answer({"document_uri": link}, Document)

    assert scrubber.link_number(asked) == "1"


def test_a_link_to_a_source_shows_no_name_of_a_file(scrubber: Scrubber) -> None:
    """At home it leads to an operation; elsewhere it is a link as any other."""
    uris = [f"https://api.example/v2/documents/{_ID}", f"https://files.example/{_MARK}.pdf?sig=x"]

    left = scrubber.answer({"source_uris": uris}, DataSource)
    one = scrubber.answer({"source_uri": uris[1]}, CheckSource)

    new = Pseudonyms("salt").whole(_ID)
    assert left["source_uris"] == [f"https://cassette.invalid/v2/documents/{new}", f"{LINKS}1"]
    assert one == {"source_uri": f"{LINKS}1"}


@pytest.mark.parametrize(
    ("said", "left"),
    [
        ({"type": "InvalidRequest", "status": 400}, {"type": "InvalidRequest"}),
        ({"title": "Not Found"}, {"title": "Not Found"}),
        ({"type": _MARK, "detail": 5, "trace": _MARK}, {"type": "***"}),
        ({"detail": f"email {_MARK} is invalid"}, {"detail": "email *** is invalid"}),
        ({"details": f"no person {_ID}"}, {"details": "no person ***"}),
        ({"correlation_id": "mine"}, {"correlation_id": AS_SENT}),
        ({"correlation_id": 5}, {}),
        ([_MARK], {}),
        (_MARK, {}),
        (None, {}),
    ],
)
def test_an_error_keeps_its_words_and_no_value(scrubber: Scrubber, said: Any, left: Any) -> None:
    """Words are those that Sikoia's texts are made of."""
    assert scrubber.error(said) == left


def test_a_request_keeps_what_tells_it_from_others(scrubber: Scrubber) -> None:
    """Kinds, numbers, companies and ids; and of people only that they are there."""
    found = find("POST", "/v2/cases")
    assert found
    body = {
        "name": "Loan to Wilma",
        "case_type": "Consumer",
        "stage": "New",
        "surprise": "Wilma",
        "companies": [{"company_name": "Acme Ltd", "company_number": "1"}],
        "persons": [{"first_name": "Wilma", "postal_address": {"city": "Rock", "country": "GB"}}],
    }

    left = scrubber.fields(body, found[0].parameters)

    assert left == {
        "case_type": "Consumer",
        "companies": [{"company_name": "Acme Ltd", "company_number": "1"}],
        "name": "***",
        "persons": [{"first_name": "***", "postal_address": {"city": "***", "country": "GB"}}],
        "stage": "New",
    }
    assert [*left] == sorted(left)


def test_a_query_keeps_the_same(scrubber: Scrubber) -> None:
    """Several values in one are told apart."""
    found = find("GET", "/v2/cases")
    assert found
    asked = {"keyword": "Wilma,Fred", "case_type": "Business,Fred", "owner_id": _ID, "moon": "x"}

    assert scrubber.query(asked, found[0]) == {
        "case_type": ["Business", "***"],
        "keyword": ["***", "***"],
        "owner_id": Pseudonyms("salt").whole(_ID),
    }


def test_a_path_keeps_kinds_and_ids(scrubber: Scrubber) -> None:
    """An id that is no UUID may be anything."""
    left = scrubber.path({"entity_type": "persons", "entity_id": _ID, "other": "wilma-example"})

    assert left == {
        "entity_type": "persons",
        "entity_id": Pseudonyms("salt").whole(_ID),
        "other": "***",
    }


def test_models_that_are_sent_are_scrubbed_like_those_that_come(scrubber: Scrubber) -> None:
    """The marks are the same."""
    left = scrubber.answer(Sample(of_wilma).of(NewPerson), NewPerson)

    assert _MARK not in written(left)


def test_ids_become_others_and_always_the_same() -> None:
    """By the salt; in any spelling; also in the middle of a text."""
    ids, other = Pseudonyms("salt"), Pseudonyms("pepper")
    new = ids.whole(_ID)

    assert new is not None
    assert UUID(new).version == 4
    assert new not in {_ID, other.whole(_ID)}
    assert ids.whole(_ID.upper()) == new
    assert ids.within(f"see {_ID}, {_ID.upper()}.") == f"see {new}, {new}."
    assert ids.whole(f"{_ID}0") is None
    assert ids.within(f"a{_ID}") == f"a{_ID}"
    assert Pseudonyms.found_in(f"[{_ID}]") == {_ID}


def test_an_id_of_the_cassettes_own_stays() -> None:
    """A replayed answer's id leads to the recording that was made with what it stands for."""
    new = Pseudonyms("salt").whole(_ID)
    assert new

    assert Pseudonyms("salt", frozenset({new})).whole(new) == new
    assert Pseudonyms("salt", frozenset({new})).whole(_ID) == new
    assert Pseudonyms("salt").whole(new) != new


@pytest.mark.parametrize("make", [uuid3, uuid5])
def test_an_id_that_is_made_of_a_name_leaves_nothing(
    scrubber: Scrubber, make: Callable[[UUID, str], UUID]
) -> None:
    """Whoever tries names would find it."""
    one = str(make(NAMESPACE_DNS, "wilma@flintrock.example"))

    assert scrubber.answer({"reference_person_id": one}, Person) == {"reference_person_id": "***"}
    assert scrubber.answer({"source": f"of {one}"}, Case) == {"source": "of ***"}
    assert scrubber.path({"person_id": one}) == {"person_id": "***"}


def test_no_two_ids_become_one() -> None:
    """Of a thousand."""
    ids = Pseudonyms(str(uuid4()))

    assert len({ids.whole(str(uuid4())) for _ in range(1000)}) == 1000
