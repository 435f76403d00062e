"""Lists as records, CSV, and tables of pandas, polars and Arrow, with exact decimals."""

import csv
import io
import json
import subprocess
import sys
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any

import attrs
import pytest
from model_values import MODELS, filled, name_of

import sikoia_async
from sikoia_async._export.paths import lists_in
from sikoia_async.errors import ArgumentError, ConfigurationError
from sikoia_async.models import PERSONAL, Items, Model
from sikoia_async.resources.affordability import AffordabilityReport
from sikoia_async.resources.banking import AccountTransactions, BankTransaction, TransactionAmount
from sikoia_async.resources.cases import Address, Case, CaseSummary, Company, Person
from sikoia_async.resources.webhooks import WebhookEventType

CANARY = "Wilma Canary"
MOMENT = datetime(2024, 7, 1, 12, tzinfo=timezone(timedelta(hours=1)))


@attrs.frozen(kw_only=True)
class Inner(Model):
    """A part of a row."""

    amount: Decimal | None = None
    owner: str | None = attrs.field(default=None, **PERSONAL)


@attrs.frozen(kw_only=True)
class Row(Model):
    """A row with each type of value."""

    text: str | None = None
    count: int | None = None
    ratio: float | None = None
    flag: bool | None = None
    day: date | None = None
    moment: datetime | None = None
    inner: Inner | None = None
    names: tuple[str, ...] | None = None
    parts: tuple[Inner, ...] = ()
    anything: Any = None


FULL = Row(
    text="a",
    count=2,
    ratio=0.5,
    flag=True,
    day=date(2024, 1, 31),
    moment=MOMENT,
    inner=Inner(amount=Decimal("1.10"), owner=CANARY),
    names=("x", "y"),
    parts=(Inner(owner=CANARY),),
    anything={"a": Decimal("0.1")},
)
ROWS = Items[Row]([FULL, Row()])
COLUMNS = [
    *("text", "count", "ratio", "flag", "day", "moment"),
    *("inner.amount", "inner.owner", "names", "parts", "anything"),
]


def frame(rows: Any, library: str, **options: Any) -> Any:
    """Return a table of a library."""
    module = {"arrow": "pyarrow"}.get(library, library)
    pytest.importorskip(module, reason="the lowest versions are tested without it")
    return getattr(rows, f"to_{library}")(**options)


def columns_of(table: Any) -> list[str]:
    """Return the names of the columns, in any library."""
    return list(getattr(table, "column_names", None) or table.columns)


def values_of(table: Any, column: str) -> list[Any]:
    """Return the Python values of a column, in any library."""
    found = table[column]
    values = found.to_pylist() if hasattr(found, "to_pylist") else found.to_list()
    return [None if str(one) in {"<NA>", "NaT"} else one for one in values]


def test_records_are_flat() -> None:
    """Nested fields have dots; lists are JSON; every record has all columns."""
    first, second = ROWS.records()

    assert list(first) == list(second) == COLUMNS
    assert set(second.values()) == {None, "[]"}
    assert first == {
        "text": "a",
        "count": 2,
        "ratio": 0.5,
        "flag": True,
        "day": date(2024, 1, 31),
        "moment": MOMENT,
        "inner.amount": Decimal("1.10"),
        "inner.owner": CANARY,
        "names": '["x","y"]',
        "parts": f'[{{"amount":null,"owner":"{CANARY}"}}]',
        "anything": '{"a":0.1}',
    }


@pytest.mark.parametrize("library", ["pandas", "polars", "arrow"])
def test_tables_have_typed_columns(library: str) -> None:
    """Values are the same in every library, times in UTC."""
    table = frame(ROWS, library)

    assert columns_of(table) == COLUMNS
    for name, values in {
        "text": ["a", None],
        "count": [2, None],
        "ratio": [0.5, None],
        "flag": [True, None],
        "day": [date(2024, 1, 31), None],
        "moment": [MOMENT, None],
        "inner.amount": [Decimal("1.10"), None],
        "names": ['["x","y"]', None],
    }.items():
        assert values_of(table, name) == values, name
    assert values_of(table, "moment")[0].utcoffset() == timedelta(0)


@pytest.mark.parametrize("library", ["pandas", "polars", "arrow"])
@pytest.mark.parametrize(
    "amounts",
    [
        ["1.10", None, "-0.005"],
        ["12345678901234567890.123456789", "0"],
        ["1E+3", "0E-5"],
        ["9" * 60, "1.5"],
        ["1E-40"],
        ["1E+999999"],
        [None],
        [],
    ],
    ids=["mixed", "long", "exponents", "60 digits", "tiny", "huge", "none", "empty"],
)
def test_decimals_are_exact(library: str, amounts: list[str | None]) -> None:
    """They are never floats. With more digits than the library has, they are text."""
    expected = [None if one is None else Decimal(one) for one in amounts]

    table = frame(Items[Inner]([Inner(amount=one) for one in expected]), library)

    values = values_of(table, "amount")
    assert [None if one is None else Decimal(one) for one in values] == expected
    assert {type(one) for one in values} <= {Decimal, str, type(None)}


@pytest.mark.parametrize("library", ["pandas", "polars", "arrow"])
def test_whole_numbers_are_exact(library: str) -> None:
    """Beside a missing value, and beyond 64 bits."""
    large, larger = 2**60 + 1, 2**70

    assert values_of(frame(Items([Row(count=large), Row()]), library), "count") == [large, None]
    rows = Items([Row(count=larger), Row(count=1), Row()])
    assert values_of(frame(rows, library), "count") == [str(larger), "1", None]


@pytest.mark.parametrize("library", ["pandas", "polars", "arrow"])
def test_empty_lists_have_columns(library: str) -> None:
    """With the types of a full one."""
    table = frame(Items[Row](), library)

    assert columns_of(table) == COLUMNS
    assert len(table) == 0


@pytest.mark.parametrize("library", ["pandas", "polars", "arrow"])
def test_the_same_arguments_everywhere(library: str) -> None:
    """Personal data is masked and columns are selected."""
    table = frame(ROWS, library, masked=True, only=["inner", "text"], exclude="inner.amount")

    assert columns_of(table) == ["text", "inner.owner"]
    assert values_of(table, "inner.owner") == ["***", None]


@pytest.mark.parametrize("model", MODELS, ids=name_of)
def test_every_model_has_a_table(model: Any) -> None:
    """In each form; masked tables have no personal data."""
    items = Items[Any]([filled(model)])

    (record,) = items.records()
    (row,) = csv.DictReader(io.StringIO(items.to_csv()))

    assert set(row) == set(record)
    for library in ("pandas", "polars", "arrow"):
        assert columns_of(frame(items, library)) == list(record)
    for path in lists_in(model):
        assert len(items[0].records(path)) == len(getattr(items[0], path) or ())


@pytest.mark.parametrize("model", [Case, AccountTransactions, Person])
def test_masked_tables_have_no_personal_data(model: Any) -> None:
    """Also inside the JSON of lists."""
    items = Items[Any]([filled(model)])
    shown = items.to_csv(masked=True)

    assert "***" in shown
    assert "1990" not in shown
    assert items.records(masked=True) == items.records(masked=True)
    for name, value in items.records(masked=True)[0].items():
        if value == "***":
            assert items.records()[0][name] != "***"


def test_models_that_are_lists_are_tables() -> None:
    """Transactions are rows; a model with several lists asks for one."""
    amount = TransactionAmount(amount=Decimal("1.10"), currency="GBP")
    whole = AccountTransactions(transactions=(BankTransaction(amount=amount),))
    case = Case(case_id="1", persons=(Person(person_id="2"), Person(person_id="3")))

    assert whole.records()[0]["amount.amount"] == Decimal("1.10")
    assert AccountTransactions().records() == []
    assert [one["person_id"] for one in case.records("persons")] == ["2", "3"]
    assert case.to_csv("persons", only="person_id") == "person_id\r\n2\r\n3\r\n"
    assert case.records("ownership") == []


def test_lists_inside_lists_are_one_table() -> None:
    """The path leads through all of them."""
    tree = WebhookEventType(
        event_types=(
            WebhookEventType(event_types=(WebhookEventType(event_name="a"),)),
            WebhookEventType(event_types=(WebhookEventType(event_name="b"),)),
        )
    )

    assert len(tree.records()) == 2
    assert tree.records()[0]["event_types"] == '[{"event_name":"a","event_types":null}]'
    assert (
        Outer(trees=(Nested(rows=ROWS), Nested(rows=ROWS))).records("trees.rows", only="text")
        == [
            {"text": "a"},
            {"text": None},
        ]
        * 2
    )


@attrs.frozen(kw_only=True)
class Nested(Model):
    """A list in a list."""

    rows: tuple[Row, ...] = ()


@attrs.frozen(kw_only=True)
class Outer(Model):
    """A list of lists."""

    trees: tuple[Nested, ...] = ()


def test_where_data_comes_from_is_not_the_data() -> None:
    """`data_sources` is chosen only if there is no other list."""

    @attrs.frozen
    class Report(Model):
        data: tuple[Inner, ...]
        data_sources: tuple[Row, ...]

    @attrs.frozen
    class Sources(Model):
        data_sources: tuple[Inner, ...]

    assert Report((Inner(),), ()).records() == [{"amount": None, "owner": None}]
    assert len(Sources((Inner(),)).records()) == 1


@pytest.mark.parametrize(
    ("rows", "options", "message"),
    [
        (
            Case(case_id="1"),
            {},
            "of: choose one of the lists of Case: 'ownership', 'companies'",
        ),
        (Person(person_id="1"), {}, "Person has no list of models; to_dict() exports it"),
        (
            AffordabilityReport(request_id="1"),  # and not the lists inside these
            {},
            "of: choose one of the lists of AffordabilityReport: 'data.cashflow', 'data.ind",
        ),
        (
            Case(case_id="1"),
            {"of": "person"},
            "of: expected the path of a list of models; did you mean 'persons'?",
        ),
        (
            Case(case_id="1"),
            {"of": "case_id"},
            "of: expected the path of a list of models; did you",
        ),
        (Person(person_id="1"), {"of": CANARY}, "of: expected the path of a list of models"),
        (ROWS, {"of": "parts"}, "of: a list is one table; leave it out"),
        (
            ROWS,
            {"only": "inner.amuont"},
            "only: a path is not a field of Row; did you mean 'inner.am",
        ),
        (ROWS, {"exclude": "texts"}, "exclude: a path is not a field of Row; did you mean 'text'?"),
        (Items[Any](["a"]), {}, "the items of this list are not models, so they have no columns"),
    ],
)
def test_what_is_not_there_is_named(rows: Any, options: Any, message: str) -> None:
    """The error says what to choose, and repeats no value."""
    for make in (rows.records, rows.to_csv):
        with pytest.raises(ArgumentError) as caught:
            make(**options)
        assert str(caught.value).startswith(message)
        assert "Canary" not in str(caught.value)


def test_lists_of_several_models_have_the_columns_of_all() -> None:
    """A field that a row does not have is None."""
    items: Items[Any] = Items([Company(company_id="1"), Inner()])

    first, second = items.records(only=["company_id", "owner"])

    assert (first, second) == (
        {"company_id": "1", "owner": None},
        {"company_id": None, "owner": None},
    )
    assert Items[Any]().records() == []
    assert Items([]).to_csv() == "\r\n"


def test_a_personal_field_hides_all_that_is_in_it() -> None:
    """Also what is flattened."""

    @attrs.frozen
    class Hidden(Model):
        address: Address = attrs.field(**PERSONAL)

    items = Items([Hidden(Address(country="GB"))])

    assert items.records(masked=True)[0]["address.country"] == "***"


def test_csv_is_quoted_and_exact() -> None:
    """A program reads back what was written."""
    text = 'a,"b"\r\nc\rd\n;é\t'
    rows = Items([Row(text=text, inner=Inner(amount=Decimal("1.10"))), FULL])

    first, second = csv.DictReader(io.StringIO(rows.to_csv(escape_formulas=False), newline=""))

    assert (first["text"], first["inner.amount"], first["flag"]) == (text, "1.10", "")
    assert (second["flag"], second["day"]) == ("true", "2024-01-31")
    assert second["moment"] == "2024-07-01T12:00:00+01:00"
    assert json.loads(second["parts"])[0]["owner"] == CANARY


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t=", "\r=", "\n=", "\uff1d"])
def test_formulas_are_escaped(start: str) -> None:
    """A spreadsheet shows the text of a stranger, and does not run it."""
    text = f'{start}cmd|"/c calc"!A0'
    rows = Items([Row(text=text, inner=Inner(amount=Decimal("-1.10")))])

    (safe,) = csv.DictReader(io.StringIO(rows.to_csv(), newline=""))
    (exact,) = csv.DictReader(io.StringIO(rows.to_csv(escape_formulas=False), newline=""))

    assert (safe["text"], exact["text"]) == (f"'{text}", text)
    assert safe["inner.amount"] == "-1.10"


@pytest.mark.parametrize("library", ["pandas", "polars", "arrow"])
@pytest.mark.parametrize(
    "fields",
    [
        {"count": CANARY},
        {"text": 1},
        {"flag": 1},
        {"ratio": CANARY},
        {"day": CANARY},
        {"moment": datetime(2024, 1, 1)},  # noqa: DTZ001 - that is the point
        {"inner": Inner(amount=Decimal("NaN"))},
    ],
    ids=["int", "text", "bool", "float", "date", "no zone", "nan"],
)
def test_values_of_another_type_are_refused(library: str, fields: Any) -> None:
    """A caller's model may hold any; a library would guess."""
    with pytest.raises(ArgumentError, match="has a value of another type than the field") as caught:
        frame(Items([Row(**fields)]), library)

    assert "Canary" not in str(caught.value)


@pytest.mark.parametrize(
    ("method", "module", "extra"),
    [
        ("to_pandas", "pandas", "pandas"),
        ("to_polars", "polars", "polars"),
        ("to_arrow", "pyarrow", "arrow"),
    ],
)
def test_a_missing_library_is_named(
    monkeypatch: pytest.MonkeyPatch, method: str, module: str, extra: str
) -> None:
    """With the extra that installs it."""
    monkeypatch.setitem(sys.modules, module, None)
    words = f"^{module} is not installed: pip install 'sikoia-async\\[{extra}\\]'$"

    with pytest.raises(ConfigurationError, match=words):
        getattr(ROWS, method)()


def test_no_library_is_imported_until_it_is_used() -> None:
    """Records and CSV need none."""
    script = (
        "import sys; from sikoia_async.resources.cases import Case, Items; "
        "Items([Case(case_id='1')]).to_csv(); print(*sys.modules)"
    )
    root = Path(sikoia_async.__file__).parents[1]

    loaded = subprocess.check_output([sys.executable, "-c", script], text=True, cwd=root).split()

    assert "sikoia_async._export.tables" in loaded
    assert {"pandas", "polars", "pyarrow", "numpy"} & set(loaded) == set()


def test_times_may_be_at_the_ends_of_the_calendar() -> None:
    """Libraries count in nanoseconds by default, and reach the year 2262 only."""
    far = datetime(9999, 12, 31, tzinfo=UTC)

    for library in ("pandas", "polars", "arrow"):
        assert values_of(frame(Items([Row(moment=far)]), library), "moment") == [far]


def test_lists_of_the_api_have_their_columns() -> None:
    """Also while they are empty."""
    assert Items.from_json("[]", CaseSummary).to_csv().startswith("case_id,name,")
