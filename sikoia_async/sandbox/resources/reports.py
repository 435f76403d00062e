"""The operations on the Excel report.

It has a tab for each kind of result that exists: for an entity itself, and for a case also for its
companies and people.
"""

from collections.abc import Iterator
from datetime import date

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sikoia_async.sandbox.resources import affordability, income, integrity
from sikoia_async.sandbox.resources.affordability_data import cashflow, transactions
from sikoia_async.sandbox.resources.check_rules import PAYSLIPS, TRANSACTIONS
from sikoia_async.sandbox.resources.credits import require_service
from sikoia_async.sandbox.resources.data_sources import members
from sikoia_async.sandbox.resources.income_data import overview
from sikoia_async.sandbox.resources.insights import Insights
from sikoia_async.sandbox.resources.routing import Resource
from sikoia_async.sandbox.resources.workbook import Rows, workbook
from sikoia_async.sandbox.state import Record, State

__all__ = ["routes"]

_INCOME = (
    "income_recipient",
    "income_type",
    "income_source",
    "annual_gross_pay",
    "monthly_gross_pay",
    "monthly_deductions",
    "monthly_net_pay",
)
_RULES = ("rule_name", "decision", "recipient", "message")
_INTEGRITY = ("document", "rule_name", "decision", "message")


def routes(state: State) -> list[Route]:
    """Return the routes for the Excel report."""
    path = "/v2/{entity_type}/{entity_id}/excel-report"
    return [Route(path, Resource(get=Reports(state).excel))]


class Reports:
    """Handlers for `excel-report`."""

    def __init__(self, state: State) -> None:
        self._state = state

    async def excel(self, request: Request) -> Response:
        """Return a workbook with a tab for each kind of result that exists."""
        kind, entity_id = request.path_params["entity_type"], request.path_params["entity_id"]
        entity = self._state.entity(kind, entity_id)
        require_service(self._state, entity)
        ids = list(members(entity_id, entity))
        tabs: dict[str, list[Rows]] = {
            "Income": [self._income(one) for one in ids],
            "Affordability": [self._affordability(one) for one in ids],
            "Payslip completeness": [self._check(one, PAYSLIPS) for one in ids],
            "Bank statement completeness": [self._check(one, TRANSACTIONS) for one in ids],
            "Integrity checks": [self._integrity(one) for one in ids],
        }
        headers = (_INCOME, ("group", "category", "value"), _RULES, _RULES, _INTEGRITY)
        sheets: dict[str, Rows] = {}
        for (title, parts), header in zip(tabs.items(), headers, strict=True):
            if rows := [row for part in parts for row in part]:
                sheets[title] = [header, *rows]
        # A workbook needs a sheet. The specification declares this media type for it.
        empty: dict[str, Rows] = {"Summary": [("There are no results for this entity.",)]}
        return Response(workbook(sheets or empty), media_type="application/json")

    def _latest(self, insights: Insights, entity_id: str) -> tuple[list[Record], date] | None:
        """Return the data sources of the newest complete insights, and the day of the request."""
        for entry in self._state.store(insights.kind).of(entity_id):
            record, used = insights.current(entry.record["request_id"])
            if used:
                return used, date.fromisoformat(record["datetime_requested"][:10])
        return None

    def _income(self, entity_id: str) -> Rows:
        if found := self._latest(income.insights(self._state), entity_id):
            details = overview(self._state, *found)["income_details"]
            return [[detail[name] for name in _INCOME] for detail in details]
        return []

    def _affordability(self, entity_id: str) -> Rows:
        if found := self._latest(affordability.insights(self._state), entity_id):
            used, day = found
            groups = cashflow(transactions(self._state, used, entity_id, day))
            return [
                (group["group"], category["name"], category["value"])
                for group in groups
                for category in group["categories"]
            ]
        return []

    def _check(self, entity_id: str, name: str) -> Rows:
        for entry in self._state.store("checks").of(entity_id):
            check = entry.record
            if check["validation_check_name"] == name and check["rules"]:
                return [[rule[column] for column in _RULES] for rule in check["rules"]]
        return []

    def _integrity(self, entity_id: str) -> Iterator[list[object]]:
        for document, rules in integrity.decisions(self._state, entity_id):
            for rule in rules:
                yield [document["display_name"], *(rule[name] for name in _INTEGRITY[1:])]
