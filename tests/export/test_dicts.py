"""Models leave the SDK as dicts and JSON, and come back equal."""

import json
import pickle
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from enum import Enum
from typing import Any
from zoneinfo import ZoneInfo

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from model_values import MODELS, filled, name_of, values_of

from sikoia_async._schema import shapes
from sikoia_async._schema.shapes import Shape, shape_of
from sikoia_async.errors import ConfigurationError
from sikoia_async.models import Entity, Items, Model, items_of
from sikoia_async.resources.banking import AccountTransactions, BankAccount
from sikoia_async.resources.cases import (
    Case,
    CaseSummary,
    Company,
    NewAddress,
    NewPerson,
    Person,
    PersonUpdate,
)
from sikoia_async.resources.webhooks import WebhookRequest

CASE = Case(
    case_id="1",
    name="Wilma Canary",
    case_type="Business",
    datetime_created=datetime(2024, 1, 31, 12, tzinfo=UTC),
    companies=(),
    persons=(Person(person_id="2", first_name="Wilma", date_of_birth=date(2000, 1, 2)),),
)


@attrs.frozen(kw_only=True)
class Money(Model):
    """An amount."""

    amount: Decimal | None = None
    paid: datetime | None = None
    count: int | None = None


def has_any_json(model: Any) -> bool:
    """Return whether a field of a model may have any JSON."""
    return any(isinstance(one, shapes.AnyJson) for one in shapes.reachable(shape_of(model)))


def through_standard_json(value: Any) -> Any:
    """Write and read with the standard library."""
    return json.loads(json.dumps(value))


@pytest.mark.parametrize("model", MODELS, ids=name_of)
@pytest.mark.parametrize("make", [filled, None], ids=["filled", "smallest"])
def test_every_model_survives_a_round_trip(model: Any, make: Callable[[Any], Any] | None) -> None:
    """`json.dumps` accepts the dict, and both ways back give an equal model."""
    whole = filled(model)
    required = [one.name for one in attrs.fields(model) if one.default is attrs.NOTHING]
    value = whole if make else model(**{name: getattr(whole, name) for name in required})

    assert model.from_json(value.to_json()) == value
    assert set(value.to_dict()) == {field.name for field in attrs.fields(model)}
    if not has_any_json(model):  # fractions in it are text in a dict
        assert model.from_dict(through_standard_json(value.to_dict())) == value
        assert json.loads(value.to_json()) == value.to_dict()


@pytest.mark.parametrize("model", [Case, AccountTransactions, PersonUpdate, WebhookRequest])
@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_any_value_survives_a_round_trip(model: Any, data: st.DataObject) -> None:
    """To the last digit, whatever the strings contain."""
    value = data.draw(values_of(model))

    again = model.from_json(value.to_json())

    assert again == value
    assert repr(again.reveal()) == repr(model.from_json(again.to_json()).reveal())


@pytest.mark.parametrize("number", ["1.10", "-0", "0.00", "1E+30", "1e-30", "9" * 60 + ".01"])
def test_decimals_keep_every_digit(number: str) -> None:
    """They are text, with their trailing zeros."""
    value = Money(amount=Decimal(number))

    assert value.to_dict()["amount"] == str(Decimal(number))
    for again in (Money.from_dict(value.to_dict()), Money.from_json(value.to_json())):
        assert str(again.amount) == str(Decimal(number))


def test_decimals_are_read_from_numbers_without_a_float() -> None:
    """JSON of another program may have numbers; a float in a dict has lost digits already."""
    text = '{"amount": 12345678901234567890.123456789}'

    assert Money.from_json(text).amount == Decimal("12345678901234567890.123456789")
    with pytest.raises(ConfigurationError, match=r"^Money: amount: expected a decimal .* float"):
        Money.from_dict({"amount": 0.1})


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        (datetime(2024, 1, 31, 12, tzinfo=UTC), "2024-01-31T12:00:00Z"),
        (datetime(2024, 1, 31, 12, 0, 0, 5, tzinfo=UTC), "2024-01-31T12:00:00.000005Z"),
        (datetime(2024, 7, 1, 12, tzinfo=ZoneInfo("Europe/London")), "2024-07-01T12:00:00+01:00"),
        (
            datetime(2024, 1, 31, tzinfo=timezone(-timedelta(hours=3, minutes=30))),
            "2024-01-31T00:00:00-03:30",
        ),
        (
            datetime(1850, 1, 1, tzinfo=timezone(timedelta(minutes=-1, seconds=-15))),
            "1850-01-01T00:01:15Z",
        ),
    ],
    ids=["utc", "microseconds", "london", "newfoundland", "local mean time"],
)
def test_times_keep_their_zone(moment: datetime, text: str) -> None:
    """RFC 3339; an offset with seconds, which it does not know, becomes UTC."""
    value = Money(paid=moment)

    assert value.to_dict()["paid"] == text
    assert Money.from_json(value.to_json()) == value


def test_none_and_an_empty_list_stay_different() -> None:
    """None is "not said", and () is "none found"."""
    said = BankAccount(account_connection_id="1", identifications=(), owners_name=None)

    plain = said.to_dict()
    again = BankAccount.from_json(said.to_json())

    assert (plain["identifications"], plain["owners_name"]) == ([], None)
    assert (again.identifications, again.owners_name) == ((), None)


@pytest.mark.parametrize("model", MODELS, ids=name_of)
def test_masked_exports_have_no_personal_data(model: Any) -> None:
    """What the repr masks is masked, at every depth."""
    value = filled(model)
    plain = value.to_dict(masked=True)

    assert json.loads(value.to_json(masked=True)) == plain or has_any_json(model)
    assert personal(plain, shape_of(model)) <= {"***", None}
    assert personal(value.to_dict(), shape_of(model)) & {"***"} == set()


def personal(plain: Any, shape: Shape) -> set[str | None]:
    """Return the values of all personal fields, as their repr."""
    match shape:
        case shapes.Optional():
            return personal(plain, shape.inner)
        case shapes.ListOf():
            return {one for item in plain or () for one in personal(item, shape.item)}
        case shapes.Object() if plain is not None:
            found: set[str | None] = set()
            for field in shape.fields:
                part = plain[field.name]
                if field.is_personal:
                    found.add(part if part in ("***", None) else repr(part))
                else:
                    found |= personal(part, field.shape)
            return found
        case _:
            return set()


def test_masking_shows_what_is_not_set() -> None:
    """An empty field stays None; everything else of a personal field is hidden."""
    plain = CASE.to_dict(masked=True)

    assert (plain["name"], plain["reference"], plain["case_id"]) == ("***", None, "1")
    assert plain["persons"][0]["date_of_birth"] == "***"


@pytest.mark.parametrize(
    ("only", "exclude", "expected"),
    [
        ("case_id", None, {"case_id": "1"}),
        (["case_id", "companies"], None, {"case_id": "1", "companies": []}),
        ("persons.first_name", None, {"persons": [{"first_name": "Wilma"}]}),
        (
            ("persons.person_id", "persons.first_name"),
            ("persons.first_name",),
            {"persons": [{"person_id": "2"}]},
        ),
        (["persons.first_name", "persons"], "persons.postal_address", None),
        (["persons", "persons.first_name"], "persons.postal_address", None),
        ("case_id", "case_id", {}),
        ((), None, {}),
        ({"case_id": 1}.keys(), None, {"case_id": "1"}),
    ],
)
def test_fields_are_selected_by_path(only: Any, exclude: Any, expected: Any) -> None:
    """Paths lead through lists; the whole of a field wins over its parts, and exclude over only."""
    plain = CASE.to_dict(only=only, exclude=exclude)

    if expected is None:
        (person,) = plain["persons"]
        assert person["person_id"] == "2"
        assert "postal_address" not in person
    else:
        assert plain == expected
    assert json.loads(CASE.to_json(only=only, exclude=exclude)) == plain


def test_excluded_fields_are_left_out() -> None:
    """Everything else is there."""
    plain = CASE.to_dict(exclude=["name", "persons.first_name"])

    assert set(CASE.to_dict()) - set(plain) == {"name"}
    assert set(CASE.to_dict()["persons"][0]) - set(plain["persons"][0]) == {"first_name"}


def selected(argument: str, paths: Any) -> dict[str, Any]:
    """Return the argument of an export."""
    return {argument: paths}


@pytest.mark.parametrize("argument", ["only", "exclude"])
@pytest.mark.parametrize(
    ("path", "nearest"),
    [
        ("caseid", "case_id"),
        ("persons.frist_name", "persons.first_name"),
        ("persons[].first_name", "persons.first_name"),
        ("persons.0.first_name", "persons.first_name"),
        ("person.first_name", "persons.first_name"),
        ("persons.postal_address.postcode", "persons.postal_address.post_code"),
        ("Persons", "persons"),
    ],
)
def test_an_unknown_path_names_the_nearest(argument: str, path: str, nearest: str) -> None:
    """It is not repeated, because it may come from a user of the service."""
    words = f"^{argument}: a path is not a field of Case; did you mean '{nearest}'\\?$"

    with pytest.raises(ConfigurationError, match=words.replace(".", r"\.")) as caught:
        CASE.to_dict(**selected(argument, ["case_id", path]))

    assert path not in str(caught.value) or path in nearest
    with pytest.raises(ConfigurationError, match=f"^{argument}: "):
        CASE.to_json(**selected(argument, path))


@pytest.mark.parametrize("paths", ["", ".", "case_id.", "case_id.x", ".case_id", "x" * 100_000])
def test_any_text_may_be_a_path(paths: str) -> None:
    """It is looked up, and refused."""
    with pytest.raises(ConfigurationError, match=r"^only: a path is not a field of Case; did you"):
        CASE.to_dict(only=paths)


@pytest.mark.parametrize("paths", [3, [None], [b"case_id"], [["case_id"]]])
def test_paths_are_strings(paths: Any) -> None:
    """Anything else is refused by type."""
    with pytest.raises(TypeError, match=r"^only: expected the path of a field, such as 'persons"):
        CASE.to_dict(only=paths)


def test_a_model_without_fields_has_no_paths() -> None:
    """The error has no suggestion then."""

    @attrs.frozen
    class Empty(Model):
        pass

    assert Empty().to_dict() == {}
    with pytest.raises(ConfigurationError, match=r"^only: a path is not a field of Empty$"):
        Empty().to_dict(only="a")


def test_models_that_contain_themselves_have_paths_of_any_depth() -> None:
    """Suggestions follow them once."""
    value = Tree(name="a", inner=(Tree(name="b"),))

    assert value.to_dict(only="inner.name") == {"inner": [{"name": "b"}]}
    assert value.to_dict(only="inner.inner.name") == {"inner": [{"inner": []}]}
    with pytest.raises(ConfigurationError, match="did you mean 'inner'"):
        value.to_dict(only="inner.inner.iner")


@attrs.frozen(kw_only=True)
class Tree(Model):
    """A model that contains itself."""

    name: str
    inner: "tuple[Tree, ...]" = ()


def test_values_of_other_types_are_exported_as_what_they_are() -> None:
    """A model that a caller made may hold a list, or a subclass of a string."""

    class Name(str, Enum):  # noqa: UP042 - its str() is not its value
        ADA = "Ada"

    class Exact(Decimal):
        pass

    assert Money(amount=Exact("1.50")).to_dict()["amount"] == "1.50"
    people: Any = [NewPerson(first_name=Name.ADA, last_name="L", postal_address=NewAddress())]

    plain = Case(case_id="1", persons=people).to_dict()

    assert plain["persons"][0]["first_name"] == "Ada"
    assert type(plain["persons"][0]["first_name"]) is str


@pytest.mark.parametrize(
    "value",
    [
        Money(amount=Decimal("NaN")),
        Money(amount=Decimal("Infinity")),
        Money(paid=datetime(2024, 1, 1)),  # noqa: DTZ001 - that is the point
        Money(count=float("nan")),  # type: ignore[arg-type] # that is the point
        Money(count=b"canary"),  # type: ignore[arg-type] # that is the point
        Money(count={"canary"}),  # type: ignore[arg-type] # that is the point
        Money(count=object()),  # type: ignore[arg-type] # that is the point
    ],
    ids=["nan", "infinity", "no zone", "float", "bytes", "set", "object"],
)
def test_values_that_json_cannot_represent_are_refused(value: Money) -> None:
    """The error names the field, and not the value."""
    for export in (value.to_dict, value.to_json):
        with pytest.raises(
            ConfigurationError, match=r"^Money\.\w+: has a value that JSON"
        ) as found:
            export()
        assert "canary" not in str(found.value)


def test_strings_and_numbers_that_are_hard_to_encode() -> None:
    """Half a surrogate pair, and whole numbers of more than 64 bits, are JSON too."""
    data = {"a": ["\ud83d", 2**70, Decimal("1.10"), {"b": "\U0001f600"}]}
    value = WebhookRequest(request_id="1", event_data=data)

    assert WebhookRequest.from_json(value.to_json()) == value
    assert json.loads(json.dumps(value.to_dict()))["event_data"]["a"][:3] == [
        "\ud83d",
        2**70,
        "1.10",
    ]
    with pytest.raises(ConfigurationError, match="a name in a field of JSON has half of a surrog"):
        WebhookRequest(request_id="1", event_data={"\ud83d": 1}).to_json()


def test_constants_in_a_field_of_any_json_are_text() -> None:
    """JSON has no numbers for them."""
    value = WebhookRequest(request_id="1", event_data=[float("nan"), 1.5])

    assert value.to_dict()["event_data"] == ["nan", 1.5]


def test_deep_nesting_is_an_error_of_ours() -> None:
    """It is not a RecursionError, in either direction."""
    data: Any = None
    for _ in range(100_000):
        data = [data]

    with pytest.raises(ConfigurationError, match="nested too deeply"):
        WebhookRequest(request_id="1", event_data=data).to_dict()
    with pytest.raises(ConfigurationError, match="nested too deeply"):
        WebhookRequest.from_dict({"request_id": "1", "event_data": data})
    with pytest.raises(ConfigurationError, match="not valid JSON"):
        WebhookRequest.from_json("[" * 100_000)


def test_lists_are_exported_like_their_models() -> None:
    """With the same arguments, and back to an equal list."""
    items = Items([CASE, CASE])

    assert items.to_dicts() == [CASE.to_dict(), CASE.to_dict()]
    assert items.to_dicts(only="case_id") == [{"case_id": "1"}] * 2
    assert json.loads(items.to_json(masked=True)) == items.to_dicts(masked=True)
    assert (
        Items.from_json(items.to_json(), Case) == items == Items.from_dicts(items.to_dicts(), Case)
    )
    assert type(Items.from_json("[]", Case)) is Items
    with pytest.raises(ConfigurationError, match="not a field of Case; did you mean 'case_id'"):
        items.to_dicts(only="caseid")


def test_paths_are_checked_without_items() -> None:
    """A list that was received or read knows its type, also after pickling."""
    empty = Items.from_json("[]", CaseSummary)
    restored = pickle.loads(pickle.dumps(empty))  # noqa: S301 - our own

    for items in (empty, restored, Items[CaseSummary]()):
        assert items.to_dicts(only="case_id") == []
        with pytest.raises(ConfigurationError, match="not a field of CaseSummary; did you mean"):
            items.to_json(only="caseid")


def test_lists_of_several_types_take_any_path() -> None:
    """What their items do not have is not in the result."""
    items: Items[Any] = Items([CASE, Company(company_id="1")])

    assert items.to_dicts(only=["case_id", "company_id"]) == [{"case_id": "1"}, {"company_id": "1"}]
    assert Items[Any](["a", 1]).to_dicts() == ["a", 1]


def test_the_response_stays_behind() -> None:
    """A model that was read back did not come from the API."""
    with pytest.raises(AttributeError, match="has no response of its own"):
        _ = Case.from_json(CASE.to_json()).response


def test_entities_are_not_models() -> None:
    """They are part of exports only as attrs classes of a caller are."""
    assert Items([Entity("case", "1")]).to_dicts() == [{"type": "case", "id": "1"}]


def test_a_callers_class_has_more_types() -> None:
    """Mappings are exported as JSON."""

    @attrs.frozen
    class Own:
        numbers: dict[str, int]
        ratio: float

    rows = Items([Own({"a": 1}, 0.5)])

    assert rows.to_dicts() == [{"numbers": {"a": 1}, "ratio": 0.5}]
    assert Items.from_json(rows.to_json(), Own) == rows


def test_a_list_within_a_response_knows_its_type() -> None:
    """Also while it is empty: a path that its models do not have is refused."""
    whole = AccountTransactions()
    object.__setattr__(whole, "_response", None)

    items = items_of(whole.transactions, whole)

    assert items.to_dicts(only=()) == []
    with pytest.raises(ConfigurationError, match="a path is not a field of BankTransaction; did"):
        items.to_dicts(only="x")
