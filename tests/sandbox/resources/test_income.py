"""The operations on income and employer verification."""

from collections.abc import Callable, Iterator
from datetime import date
from types import SimpleNamespace
from typing import Any

import httpx
import pytest

from sikoia_async.sandbox import Sandbox
from sikoia_async.sandbox.resources.income import start
from sikoia_async.sandbox.resources.income_pay import Pay, payslip
from sikoia_async.sandbox.resources.income_tax import tax_year

UNKNOWN = "00000000-0000-4000-8000-000000000000"
PATH = "/v2/income-employer"
Provide = Callable[..., str]


@pytest.fixture(scope="module")
def clock() -> SimpleNamespace:
    """Give a clock whose `now` tests turn by hand."""
    return SimpleNamespace(now=0.0)


@pytest.fixture(scope="module")
def sandbox(clock: SimpleNamespace) -> Iterator[Sandbox]:
    """Run a sandbox on that clock, with tokens and windows that outlive the tests."""
    with Sandbox(clock=lambda: clock.now, token_life=9999, limit=9999) as running:
        yield running


@pytest.fixture
def person(client: httpx.Client, case: str) -> str:
    """Add a person to the case, and give the id."""
    body = {"persons": [{"first_name": "Sample", "last_name": "Person"}]}
    persons: list[dict[str, str]] = client.post(f"{case}/entities", json=body).json()["persons"]
    return persons[0]["person_id"]


@pytest.fixture
def provide(sandbox: Sandbox) -> Provide:
    """Put a document of a type to an entity, and give its id."""

    def put(kind: str, entity_id: str, entity_type: str = "person") -> str:
        document_id = sandbox.state.new_id()
        document = {
            "document_id": document_id,
            "display_name": f"{kind}.pdf",
            "document_type": kind,
            "entity_id": entity_id,
            "entity_type": entity_type,
            "datetime_created": "2024-02-12T15:03:40.389Z",
        }
        sandbox.state.store("documents").add(document_id, document, entity_id=entity_id)
        return document_id

    return put


@pytest.fixture
def ask(client: httpx.Client, clock: SimpleNamespace) -> Callable[..., str]:
    """Ask for a verification and let the work time pass, and give the path to it."""

    def post(entity_id: str, entity_type: str = "person") -> str:
        body = {"entity_id": entity_id, "entity_type": entity_type}
        request_id = client.post(PATH, json=body).json()["request_id"]
        clock.now += 1
        return f"{PATH}/{request_id}"

    return post


def test_a_request_is_pending_and_then_complete(
    client: httpx.Client, clock: SimpleNamespace, person: str, provide: Provide
) -> None:
    """The first answer is 201 without data; after the work time the same request has them."""
    document_id = provide("Payslip", person)
    response = client.post(PATH, json={"entity_id": person, "entity_type": "person"})
    asked = response.json()
    pending = client.get(f"{PATH}/{asked['request_id']}").json()
    clock.now += 1
    complete = client.get(f"{PATH}/{asked['request_id']}").json()

    assert response.status_code == 201
    assert asked == {
        "request_id": asked["request_id"],
        "status": "Pending",
        "entity_id": person,
        "entity_type": "person",
        "datetime_requested": asked["datetime_requested"],
        "datetime_completed": None,
        "message": "The income insights are being made.",
    }
    assert pending == {**asked, "data": None}
    assert complete["status"] == "Complete"
    source = {
        "source_id": document_id,
        "source_name": "Payslip.pdf",
        "source_category_type": "Document",
        "source_type": "Payslip",
    }
    assert complete["data"]["data_sources"] == [source]
    (income,) = complete["data"]["income_details"]
    assert income["income_data_sources"][0]["data_sources"] == [source]


def test_payslips_add_up(
    client: httpx.Client, person: str, provide: Provide, ask: Callable[..., str]
) -> None:
    """Net is gross less deductions, in the report and on each payslip, and over the tax year."""
    for _ in range(3):
        provide("Payslip", person)
    path = ask(person)
    (income,) = client.get(path).json()["data"]["income_details"]
    (detailed,) = client.get(f"{path}/additional-details").json()["data"]

    gross, net = income["monthly_gross_pay"], income["monthly_net_pay"]
    assert round(gross - income["monthly_deductions"], 2) == net
    more = income["additional_information"]
    assert [one["amount"] for one in more["monthly_gross_pay_details"]] == [gross]
    taken = round(sum(one["amount"] for one in more["monthly_deductions_details"]), 2)
    assert taken == income["monthly_deductions"]
    slips = [one["income_source_data"] for one in detailed["details"]]
    assert [slip["net_pay"] for slip in slips] == [net] * 3
    dates = [slip["payslip_date"] for slip in slips]
    assert dates == sorted(set(dates))
    for slip in slips:
        assert slip["total_deductions"] == taken
        assert slip["ytd_net_pay"] == round(net * slip["pay_period"], 2)
        paid = ("ytd_net_pay", "ytd_tax_paid", "ytd_ni_paid", "ytd_pension_paid")
        assert round(sum(slip[name] for name in paid), 2) == slip["ytd_gross_pay"]
    assert income["ytd_gross_pay"] == slips[-1]["ytd_gross_pay"]


def test_accounts_and_statements_tell_the_net_pay(
    client: httpx.Client, clock: SimpleNamespace, person: str, provide: Provide, ask: Any
) -> None:
    """Bank data tell one income of three months, and nothing of its gross pay."""
    provide("BankStatement", person)
    client.post("/v2/openbanking", json={"entity_id": person, "entity_type": "person"})
    clock.now += 1
    path = ask(person)
    (income,) = client.get(path).json()["data"]["income_details"]
    (detailed,) = client.get(f"{path}/additional-details").json()["data"]

    assert income["income_type"] == "Employment and/or Self-employment"
    assert income["monthly_gross_pay"] is None
    types = [
        (one["source_type"], one["number_of_sources"]) for one in income["income_data_sources"]
    ]
    assert types == [("BankAccount", 2), ("BankStatement", 1)]
    statement = detailed["details"][0]["income_source_data"]
    assert statement["gross_pay"] is None
    paid = [one["value"] for one in statement["detailed_pay_items"]]
    assert paid == [income["monthly_net_pay"]] * 3
    assert round(sum(paid), 2) == statement["net_pay"]


def test_a_tax_return_adds_up(
    client: httpx.Client, person: str, provide: Provide, ask: Callable[..., str]
) -> None:
    """What is still due is what was charged less what was deducted."""
    provide("SA302", person)
    path = ask(person)
    (income,) = client.get(path).json()["data"]["income_details"]
    (detailed,) = client.get(f"{path}/additional-details").json()["data"]

    says = detailed["details"][0]["income_source_data"]
    tax = says["tax_information"]
    summary, incomes, charges = tax["summary"], tax["income"], tax["tax_and_charges"]
    elsewhere = dict(incomes["non_employment_income"])
    assert elsewhere.pop("subtotal") == sum(elsewhere.values())
    assert incomes["total"] == summary["total_income"]
    assert incomes["total"] == incomes["income_from_employments"] + sum(elsewhere.values())
    assert summary["net_income"] == round(summary["total_income"] - summary["tax_due"], 2)
    assert charges["net_tax_due"] == round(charges["total_tax_due"] + charges["tax_deducted"], 2)
    assert tax["payments"] is None
    averages = income["additional_information"]
    assert averages["average_income_items"][-1]["value"] == incomes["total"]
    assert averages["average_tax_items"][0]["value"] == charges["total_tax_due"]
    assert income["national_insurance_number"] == [says["national_insurance_number"]]
    assert income["income_source"] is None


def test_a_tax_overview_tells_of_payments_only(
    client: httpx.Client, person: str, provide: Provide, ask: Callable[..., str]
) -> None:
    """It has neither incomes nor a National Insurance number."""
    provide("TaxOverview", person)
    path = ask(person)
    (income,) = client.get(path).json()["data"]["income_details"]
    (detailed,) = client.get(f"{path}/additional-details").json()["data"]

    says = detailed["details"][0]["income_source_data"]
    payments = says["tax_information"].pop("payments")
    assert set(says["tax_information"].values()) == {None}
    assert payments["balancing_payment_for_this_year"] > 0
    assert says["national_insurance_number"] is None
    assert income["national_insurance_number"] == []
    assert income["additional_information"]["average_income_items"] == []


@pytest.mark.parametrize(("month", "number"), [(1, 10), (3, 12), (4, 1), (12, 9)])
def test_pay_periods_count_from_april(month: int, number: int) -> None:
    """A payslip of April is the first one of the tax year."""
    slip = payslip(Pay(250_000, "Baker", "EX00000"), date(2024, month, 1), "Sample Person")

    assert slip["pay_period"] == number
    assert slip["ytd_gross_pay"] == 2500 * number


@pytest.mark.parametrize(
    ("day", "end"),
    [("2024-04-05", "2023-04-05"), ("2024-04-06", "2024-04-05"), ("2024-12-31", "2024-04-05")],
)
def test_tax_years_end_on_the_fifth_of_april(day: str, end: str) -> None:
    """The last whole one is over by the day."""
    first, last = tax_year(date.fromisoformat(day))

    assert last.isoformat() == end
    assert first.isoformat() == f"{last.year - 1}-04-06"


def test_incomes_are_one_for_each_recipient_and_type(
    client: httpx.Client, case: str, person: str, provide: Provide, ask: Callable[..., str]
) -> None:
    """A document of the case itself names somebody who is not in the case."""
    case_id = case.rpartition("/")[2]
    provide("Payslip", case_id, "case")
    provide("Payslip", person)
    provide("SA302", person)
    incomes = client.get(ask(case_id, "case")).json()["data"]["income_details"]

    assert [(one["income_recipient"], one["income_type"]) for one in incomes] == [
        ("Sample Person", "Employment"),
        ("Sample Person", "Other"),
        ("Wilma Example", "Employment"),
    ]


def test_without_a_data_source_the_request_fails(
    client: httpx.Client, person: str, provide: Provide, ask: Callable[..., str]
) -> None:
    """The message says what there should have been."""
    provide("UtilityBill", person)
    path = ask(person)
    failed = client.get(path).json()

    assert (failed["status"], failed["data"]) == ("Failed", None)
    assert "Payslip, BankStatement, BankAccount, SA302, TaxOverview" in failed["message"]
    assert client.get(f"{path}/additional-details").json() == failed


def test_the_list_has_the_newest_first(
    client: httpx.Client, person: str, ask: Callable[..., str]
) -> None:
    """Requests are listed under the name that the API has for them."""
    older, newer = ask(person), ask(person)
    found = client.get(f"/v2/Persons/{person}/income-employer").json()

    listed = [f"{PATH}/{one['request_id']}" for one in found["income_employer_requests"]]
    assert listed == [newer, older]


def test_a_verification_can_be_started_from_within(
    sandbox: Sandbox, client: httpx.Client, person: str
) -> None:
    """Other operations begin one, and get the report as it is at first."""
    report = start(sandbox.state, "person", person)

    assert (report["status"], report["data"]) == ("Pending", None)
    assert client.get(f"{PATH}/{report['request_id']}").json() == report


def test_an_entity_that_is_not_there_is_refused(client: httpx.Client) -> None:
    """Asking is answered with 400, and looking with 404."""
    asked = client.post(PATH, json={"entity_id": UNKNOWN, "entity_type": "person"})
    looked = client.get(f"/v2/Persons/{UNKNOWN}/income-employer")

    assert (asked.status_code, asked.json()["type"]) == (400, "InvalidRequest")
    assert (looked.status_code, looked.json()["type"]) == (404, "ResourceNotFound")


@pytest.mark.parametrize("view", ["", "/additional-details"])
def test_a_request_that_never_was_is_not_found(client: httpx.Client, view: str) -> None:
    """Both ways to look at it answer 404."""
    response = client.get(f"{PATH}/{UNKNOWN}{view}")

    assert (response.status_code, response.json()["type"]) == (404, "ResourceNotFound")
