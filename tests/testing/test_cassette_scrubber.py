"""Values in a cassette: which are kept, and which are replaced or dropped."""

import re
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from typing import Any, get_args, get_origin
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
from sikoia_async._schema import shapes
from sikoia_async._schema.shapes import Shape, options, shape_of
from sikoia_async.models import Items
from sikoia_async.resources.banking import BankAccount
from sikoia_async.resources.cases import Case, NewPerson, Person
from sikoia_async.resources.checks import CheckSource
from sikoia_async.resources.company_registry import RegistryMatch
from sikoia_async.resources.data_sources import DataSource
from sikoia_async.resources.documents import Document
from sikoia_async.resources.identity import IdentityData, IdentityPerson, IdentityReport
from sikoia_async.resources.income.reports import IncomeReport
from sikoia_async.resources.webhooks import PaginationMetaData, WebhookRequest, WebhookSecret
from sikoia_async.testing.cassettes.operations import find
from sikoia_async.testing.cassettes.pseudonyms import Pseudonyms
from sikoia_async.testing.cassettes.scrubber import AS_SENT, ELSEWHERE, LINKS, Scrubber

_READ = [one for one in ENDPOINTS if one.into not in {bytes, type(None)}]
_ID = "aaaaaaaa-2222-4333-8444-55555555555f"
_MARK = "Wilhelmina"
_DEEPEST = 12


@pytest.fixture
def scrubber() -> Scrubber:
    """Return a scrubber for the API at https://api.example."""
    return Scrubber(Pseudonyms("salt"), "https://api.example", keeps_company_names=True)


@attrs.define
class Sample:
    """Builds JSON with every field of a model, and one item in each list."""

    personal: Callable[[Any], Any]
    """Returns the value of a personal field of some type."""
    kept: list[str] = attrs.field(factory=list[str])

    def of(self, wanted: Any) -> Any:
        """Return JSON of this type, with unknown fields in every object."""
        return self._value(shape_of(wanted), 0)

    def _value(self, shape: Shape, depth: int) -> Any:
        match options(shape)[0]:
            case shapes.ListOf(_, item):
                # A model may contain itself.
                return [self._value(item, depth + 1)] if depth < _DEEPEST else []
            case shapes.Object() as found:
                return {
                    **{one.name: self._field(one, depth) for one in found.fields},
                    f"{_MARK}-surprise": _MARK,
                    "surprise": {"name": _MARK, "list": [_MARK]},
                }
            case shapes.OpenEnum(_, values):
                return values[0]
            case scalar:
                return self._scalar(scalar.type)

    def _field(self, field: shapes.Field, depth: int) -> Any:
        if not field.is_personal:
            return self._value(field.shape, depth + 1)
        found = options(field.shape)[0]
        if isinstance(found, shapes.ListOf):
            return [self.personal(found.item.type)] * 2
        return self.personal(found.type)

    def _scalar(self, wanted: Any) -> Any:
        if wanted is str:
            self.kept.append(f"kept-{len(self.kept)}")
            return self.kept[-1]
        return _PLAIN[wanted]


_PLAIN: dict[Any, Any] = {
    int: 7,
    float: 0.5,
    bool: True,
    Decimal: Decimal("12.30"),
    date: "2026-03-04",
    datetime: "2026-03-04T05:06:07Z",
}


def of_wilma(kind: Any) -> Any:
    """Return a personal value."""
    born: dict[Any, Any] = {date: "1985-06-12", datetime: "1985-06-12T00:00:00Z", int: 1985}
    return born.get(kind, {"who": _MARK} if kind is Any else f"{_MARK} 1985")


def of_nobody(kind: Any) -> Any:
    """Return another personal value."""
    born: dict[Any, Any] = {date: "2001-01-01", datetime: "2001-01-01T00:00:00Z", int: 2001}
    return born.get(kind, {} if kind is Any else "nobody")


def written(value: Any) -> str:
    """Return the JSON that the file would contain."""
    return msgspec.json.Encoder(decimal_format="number").encode(value).decode()


@pytest.mark.parametrize("endpoint", _READ, ids=contract.ids)
def test_responses_keep_no_personal_or_unknown_values(
    scrubber: Scrubber, endpoint: Endpoint
) -> None:
    """All known fields can still be decoded."""
    sample = Sample(of_wilma)
    response = sample.of(endpoint.into)

    left = scrubber.response(response, endpoint.into)

    text = written(left)
    assert _MARK not in text
    assert "1985" not in text
    assert "surprise" not in text
    # URLs of other pages are not kept as texts.
    page_urls = 2 if "next_page_url" in text else 0
    assert [one for one in sample.kept[page_urls:] if f'"{one}"' not in text] == []
    drift = Drift()
    into: Any = endpoint.into
    rows: Any = tuple[get_args(into)[0], ...] if get_origin(into) is Items else into  # type: ignore[misc]
    load_hook(rows)(text.encode(), drift)
    assert drift == {}


@pytest.mark.parametrize("endpoint", _READ, ids=contract.ids)
def test_what_is_kept_does_not_depend_on_the_person(scrubber: Scrubber, endpoint: Endpoint) -> None:
    """Responses about two people leave the same, so nothing is disclosed."""
    one, other = (Sample(of).of(endpoint.into) for of in (of_wilma, of_nobody))

    assert one != other or not any(_personal(endpoint.into))
    assert scrubber.response(one, endpoint.into) == scrubber.response(other, endpoint.into)


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
def test_any_name_or_date_leaves_the_same(texts: list[str], born: date) -> None:
    """Personal strings and dates of any form are replaced by the same placeholders."""
    scrubber = Scrubber(Pseudonyms("salt"))
    first, last, number, message = texts
    person = {"first_name": first, "surname": last, "date_of_birth": str(born), "birth_year": 1999}
    report = {
        "request_id": _ID,
        "message": message,
        "data": {"person": person, "document": {"number": number}},
    }

    left = scrubber.response(report, IdentityReport)

    assert left["message"] == left["data"]["document"]["number"] == "***"
    assert left["data"]["person"] == {
        "first_name": "***",
        "surname": "***",
        "date_of_birth": "1900-01-01",
        "birth_year": 1,
    }


@given(value=_JSON)
def test_unexpected_values_become_empty(value: Any) -> None:
    """A value of the wrong type leaves an empty value of the type that it has."""
    scrubber = Scrubber(Pseudonyms("salt"))

    for into in (Case, IdentityPerson, Items[Person], IdentityData):
        assert _is_nothing(scrubber.response(value, into))
        assert _is_nothing(scrubber.response({"surprise": value}, into))
    for name in ("date_of_birth", "birth_day", "first_name"):
        assert _is_nothing(scrubber.response({name: value}, IdentityPerson)[name])
    assert _is_nothing(scrubber.response({"event_data": value}, WebhookRequest)["event_data"])
    assert _is_nothing(scrubber.response({"data": value}, IncomeReport)["data"])


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
        (PaginationMetaData, "next_page_url", "https://other.example/v2/users", "/v2/users"),
        (PaginationMetaData, "next_page_url", "/v2/users?wilma=1", "/v2/users"),
        (PaginationMetaData, "next_page_url", 5, 5),
    ],
)
def test_single_values(scrubber: Scrubber, into: Any, field: str, value: Any, left: Any) -> None:
    """Each is kept or replaced by a value of its type; empty values stay empty."""
    found = scrubber.response({field: value}, into)[field]

    assert (found, type(found)) == (left, type(left))


def test_the_url_of_a_page_has_pseudonyms(scrubber: Scrubber) -> None:
    """Only the parameters of the operation are kept."""
    ids = Pseudonyms("salt")
    address = f"https://api.example/v2/webhooks/{_ID}/requests"
    query = f"?after_request_id={_ID}&pagination_direction=Forward&event_status=Failed&cursor=Wilma"

    page = scrubber.response({"next_page_url": address + query}, PaginationMetaData)

    new = ids.of(_ID)
    assert page["next_page_url"] == (
        f"/v2/webhooks/{new}/requests"
        f"?after_request_id={new}&event_status=Failed&pagination_direction=Forward"
    )


def test_links_are_numbered(scrubber: Scrubber) -> None:
    """The number identifies a link when it is requested; unknown links have the number 0."""
    data = {"media": [{"uri": f"https://files.example/{one}?sig=x"} for one in (1, 2, 1)]}

    left = scrubber.response(data, IdentityData)

    uris = [one["uri"] for one in left["media"]]
    assert uris == [f"https://cassette.invalid/{one}" for one in (1, 2, 1)]
    assert scrubber.link_number("https://files.example/2?sig=x") == "2"
    assert scrubber.link_number("https://files.example/3?sig=x") == "0"
    assert scrubber.link_number(uris[1]) == "2"


@pytest.mark.parametrize(
    ("link", "requested"),
    [
        ("https://FILES.example/a b.pdf?sig=a%2fb", "https://files.example/a%20b.pdf?sig=a%2fb"),
        ("https://files.example:443/é.pdf", "https://files.example/%C3%A9.pdf"),
        ("https://files.example/a.pdf#page=1", "https://files.example/a.pdf"),
        ("https://files.example", "https://files.example/"),
        ("https://files:x/", "https://files:x/"),
    ],
)
def test_a_link_is_found_in_any_spelling(scrubber: Scrubber, link: str, requested: str) -> None:
    """The URL of a request is the normalised form of the link in the response."""
    scrubber.response({"document_uri": link}, Document)

    assert scrubber.link_number(requested) == "1"


def test_a_link_to_a_source_does_not_show_a_file_name(scrubber: Scrubber) -> None:
    """A link to an operation of the API is kept; any other is numbered."""
    uris = [f"https://api.example/v2/documents/{_ID}", f"https://files.example/{_MARK}.pdf?sig=x"]

    left = scrubber.response({"source_uris": uris}, DataSource)
    one = scrubber.response({"source_uri": uris[1]}, CheckSource)

    new = Pseudonyms("salt").of(_ID)
    assert left["source_uris"] == [f"https://cassette.invalid/v2/documents/{new}", f"{LINKS}1"]
    assert one == {"source_uri": f"{LINKS}1"}


@pytest.mark.parametrize(
    ("error", "left"),
    [
        ({"type": "InvalidRequest", "status": 400}, {"type": "InvalidRequest"}),
        ({"title": "Not Found"}, {"title": "Not Found"}),
        ({"type": _MARK, "detail": 5, "trace": _MARK}, {"type": "***"}),
        ({"detail": f"email {_MARK} is invalid"}, {"detail": "email *** is invalid"}),
        ({"details": f"no person {_ID}"}, {"detail": "no person ***"}),
        ({"errors": {"stage": [_MARK]}}, {"detail": "stage: ***"}),
        ({"correlation_id": "mine"}, {"correlation_id": AS_SENT}),
        ({"correlation_id": 5}, {}),
        ([_MARK], {"detail": "***"}),
        (_MARK, {}),
        (None, {}),
    ],
)
def test_an_error_keeps_its_texts_without_values(scrubber: Scrubber, error: Any, left: Any) -> None:
    """Only words of Sikoia's own messages are kept."""
    assert scrubber.error(error) == left


def test_a_request_keeps_what_distinguishes_it(scrubber: Scrubber) -> None:
    """Enums, numbers, companies and ids are kept; of people only that they are present."""
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


_NOT_OF_COMPANIES = {
    "CashflowCategory", "CashflowSubcategory", "CheckRule", "CheckType", "Check", "Indicator",
    "IntegrityCheck", "IntegrityRule", "Role", "TransactionCode", "Webhook", "WebhookEventGroup",
    "WebhookEventType", "OnlineAccount", "BankAccount", "BankConnection", "Judgment",
}  # fmt: skip
"""Models with a name that is of something else: a check, a court, a bank."""


@pytest.mark.parametrize("endpoint", _READ, ids=contract.ids)
def test_no_name_of_a_company_is_kept(endpoint: Endpoint) -> None:
    """A sole trader's is a person's. A new field with a name has to be looked at."""
    scrubber = Scrubber(Pseudonyms("salt"), "https://api.example")
    named = [
        f"{model.__name__}.{field.name}"
        for model in contract.models_in(endpoint.into)
        for field in attrs.fields(model)
        if field.name.endswith("name") and not field.metadata
        if model.__name__ not in _NOT_OF_COMPANIES and field.name != "registry_name"
    ]
    sample = Sample(of_wilma)
    response = sample.of(endpoint.into)

    left = written(scrubber.response(response, endpoint.into))

    of_companies = re.compile(r".*\.company_name|(Registry|Credit)?Company\w+\.name")
    assert all(map(of_companies.fullmatch, named)), named
    assert len(re.findall('"(?:company_name|name)":"Company [0-9]+"', left)) >= len(named)
    assert not re.search('"company_name":"kept', left)


def test_companies_are_numbered() -> None:
    """One has the same number everywhere, also in texts; a request only shows that it has one."""
    scrubber = Scrubber(Pseudonyms("salt"))
    found = find("POST", "/v2/company-registry-data/search")
    assert found

    matches = [
        scrubber.response({"company_name": name, "company_number": "1"}, RegistryMatch)
        for name in ("Wilma Example", "Acme Ltd", "WILMA EXAMPLE", "", None, 7)
    ]
    case = scrubber.response(
        {"source": "for wilma example and Wilma Examples", "name": "Wilma Example"}, Case
    )
    asked = scrubber.fields({"company_name": "Wilma Example"}, found[0].parameters)

    assert [one["company_name"] for one in matches] == [
        "Company 1", "Company 2", "Company 1", "", None, 0,
    ]  # fmt: skip
    assert case == {"source": "for Company 1 and Wilma Examples", "name": "***"}
    assert asked == {"company_name": "***"}


def test_a_query_keeps_what_distinguishes_it(scrubber: Scrubber) -> None:
    """Values separated by commas are handled one by one."""
    found = find("GET", "/v2/cases")
    assert found
    query = {"keyword": "Wilma,Fred", "case_type": "Business,Fred", "owner_id": _ID, "moon": "x"}

    assert scrubber.query(query, found[0]) == {
        "case_type": ["Business", "***"],
        "keyword": ["***", "***"],
        "owner_id": Pseudonyms("salt").of(_ID),
    }


def test_a_path_keeps_types_and_pseudonyms(scrubber: Scrubber) -> None:
    """An id that is not a UUID may be anything, so it is hidden."""
    left = scrubber.path({"entity_type": "persons", "entity_id": _ID, "other": "wilma-example"})

    assert left == {
        "entity_type": "persons",
        "entity_id": Pseudonyms("salt").of(_ID),
        "other": "***",
    }


def test_request_models_are_scrubbed_like_responses(scrubber: Scrubber) -> None:
    """Their personal fields are marked in the same way."""
    left = scrubber.response(Sample(of_wilma).of(NewPerson), NewPerson)

    assert _MARK not in written(left)


def test_ids_have_stable_pseudonyms() -> None:
    """They depend on the salt and not on the spelling, and are found inside texts."""
    ids, other = Pseudonyms("salt"), Pseudonyms("pepper")
    new = ids.of(_ID)

    assert new is not None
    assert UUID(new).version == 4
    assert new not in {_ID, other.of(_ID)}
    assert ids.of(_ID.upper()) == new
    assert ids.replace(f"see {_ID}, {_ID.upper()}.") == f"see {new}, {new}."
    assert ids.of(f"{_ID}0") is None
    assert ids.replace(f"a{_ID}") == f"a{_ID}"
    assert Pseudonyms.uuids_in(f"[{_ID}]") == {_ID}


def test_pseudonyms_of_the_cassette_are_kept() -> None:
    """An id from a replayed response identifies the interaction recorded with the original."""
    new = Pseudonyms("salt").of(_ID)
    assert new

    assert Pseudonyms("salt", frozenset({new})).of(new) == new
    assert Pseudonyms("salt", frozenset({new})).of(_ID) == new
    assert Pseudonyms("salt").of(new) != new


@pytest.mark.parametrize("make", [uuid3, uuid5])
def test_a_name_based_uuid_is_hidden(scrubber: Scrubber, make: Callable[[UUID, str], UUID]) -> None:
    """Its pseudonym could be found by guessing names."""
    one = str(make(NAMESPACE_DNS, "wilma@flintrock.example"))

    assert scrubber.response({"reference_person_id": one}, Person) == {"reference_person_id": "***"}
    assert scrubber.response({"source": f"of {one}"}, Case) == {"source": "of ***"}
    assert scrubber.path({"person_id": one}) == {"person_id": "***"}


def test_pseudonyms_are_unique() -> None:
    """A thousand ids have a thousand pseudonyms."""
    ids = Pseudonyms(str(uuid4()))

    assert len({ids.of(str(uuid4())) for _ in range(1000)}) == 1000
