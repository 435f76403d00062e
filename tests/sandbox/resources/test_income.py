"""The operations on income and employer verification."""

from collections.abc import Callable
from datetime import date
from functools import partial
from types import SimpleNamespace

import httpx
import pytest

from sikoia_async.sandbox import Sandbox
from sikoia_async.sandbox.resources.income import start
from sikoia_async.sandbox.resources.income_pay import Pay, payslip
from sikoia_async.sandbox.resources.income_tax import tax_year

UNKNOWN = "00000000-0000-4000-8000-000000000000"
PATH = "/v2/income-employer"
AddDocument = Callable[..., str]
Insights = Callable[..., str]


@pytest.fixture
def insights(request_insights: Callable[..., str]) -> Insights:
    """Request insights and return their path when they are complete."""
    return partial(request_insights, PATH)


def test_a_request_is_pending_and_then_complete(
    client: httpx.Client, clock: SimpleNamespace, person: str, add_document: AddDocument
) -> None:
    """The first response is a 201 without data; after the work time, the request has data."""
    document_id = add_document("Payslip", person)
    clock.now += 1
    response = client.post(PATH, json={"entity_id": person, "entity_type": "person"})
    requested = response.json()
    pending = client.get(f"{PATH}/{requested['request_id']}").json()
    clock.now += 1
    complete = client.get(f"{PATH}/{requested['request_id']}").json()

    assert response.status_code == 201
    assert requested == {
        "request_id": requested["request_id"],
        "status": "Pending",
        "entity_id": person,
        "entity_type": "person",
        "datetime_requested": requested["datetime_requested"],
        "datetime_completed": None,
        "message": "The income insights are being made.",
    }
    assert pending == {**requested, "data": None}
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
    client: httpx.Client, person: str, add_document: AddDocument, insights: Insights
) -> None:
    """Net pay is gross pay less deductions, in the report, on payslips and over the tax year."""
    for _ in range(3):
        add_document("Payslip", person)
    path = insights(person)
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


def test_bank_data_shows_the_net_pay(
    client: httpx.Client,
    clock: SimpleNamespace,
    person: str,
    add_document: AddDocument,
    insights: Insights,
) -> None:
    """One income over three months, without gross pay."""
    add_document("BankStatement", person)
    client.post("/v2/openbanking", json={"entity_id": person, "entity_type": "person"})
    clock.now += 1
    path = insights(person)
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
    client: httpx.Client, person: str, add_document: AddDocument, insights: Insights
) -> None:
    """The net tax due is the tax charged less the tax deducted."""
    add_document("SA302", person)
    path = insights(person)
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


def test_a_tax_overview_has_payments_only(
    client: httpx.Client, person: str, add_document: AddDocument, insights: Insights
) -> None:
    """But no incomes and no National Insurance number."""
    add_document("TaxOverview", person)
    path = insights(person)
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
    """A payslip for April is the first of the tax year."""
    period = date(2024, month, 1), date(2024, month, 28)
    slip = payslip(Pay(250_000, "Baker", "EX00000"), period, "Sample Person")

    assert slip["pay_period"] == number
    assert slip["ytd_gross_pay"] == 2500 * number


@pytest.mark.parametrize(
    ("day", "end"),
    [("2024-04-05", "2023-04-05"), ("2024-04-06", "2024-04-05"), ("2024-12-31", "2024-04-05")],
)
def test_tax_years_end_on_the_fifth_of_april(day: str, end: str) -> None:
    """The last complete one ends before the day."""
    first, last = tax_year(date.fromisoformat(day))

    assert last.isoformat() == end
    assert first.isoformat() == f"{last.year - 1}-04-06"


def test_there_is_one_income_per_recipient_and_type(
    client: httpx.Client, case: str, person: str, add_document: AddDocument, insights: Insights
) -> None:
    """Documents of a case name a person who is not in the case."""
    case_id = case.rpartition("/")[2]
    add_document("Payslip", case_id, "case")
    add_document("Payslip", person)
    add_document("SA302", person)
    incomes = client.get(insights(case_id, "case")).json()["data"]["income_details"]

    assert [(one["income_recipient"], one["income_type"]) for one in incomes] == [
        ("Sample Person", "Employment"),
        ("Sample Person", "Other"),
        ("Wilma Example", "Employment"),
    ]


def test_without_a_data_source_the_request_fails(
    client: httpx.Client, person: str, add_document: AddDocument, insights: Insights
) -> None:
    """The message lists the types of data sources that it needs."""
    add_document("UtilityBill", person)
    path = insights(person)
    failed = client.get(path).json()

    assert (failed["status"], failed["data"]) == ("Failed", None)
    assert "Payslip, BankStatement, BankAccount, SA302, TaxOverview" in failed["message"]
    assert client.get(f"{path}/additional-details").json() == failed


def test_requests_are_listed_newest_first(
    client: httpx.Client, person: str, insights: Insights
) -> None:
    """Under the name that the API uses."""
    older, newer = insights(person), insights(person)
    result = client.get(f"/v2/Persons/{person}/income-employer").json()

    listed = [f"{PATH}/{one['request_id']}" for one in result["income_employer_requests"]]
    assert listed == [newer, older]


def test_other_operations_can_start_a_verification(
    sandbox: Sandbox, client: httpx.Client, person: str
) -> None:
    """They get the report without data."""
    report = start(sandbox.state, "person", person)

    assert (report["status"], report["data"]) == ("Pending", None)
    assert client.get(f"{PATH}/{report['request_id']}").json() == report


def test_an_unknown_entity_is_refused(client: httpx.Client) -> None:
    """With 400 by a POST, and with 404 by a GET."""
    requested = client.post(PATH, json={"entity_id": UNKNOWN, "entity_type": "person"})
    result = client.get(f"/v2/Persons/{UNKNOWN}/income-employer")

    assert (requested.status_code, requested.json()["type"]) == (400, "InvalidRequest")
    assert (result.status_code, result.json()["type"]) == (404, "ResourceNotFound")


@pytest.mark.parametrize("view", ["", "/additional-details"])
def test_an_unknown_request_is_not_found(client: httpx.Client, view: str) -> None:
    """By both views."""
    response = client.get(f"{PATH}/{UNKNOWN}{view}")

    assert (response.status_code, response.json()["type"]) == (404, "ResourceNotFound")
