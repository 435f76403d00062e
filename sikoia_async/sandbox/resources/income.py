"""The operations on income and employer verification."""

from datetime import date

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sikoia_async.sandbox.resources.income_data import details, overview
from sikoia_async.sandbox.resources.insights import Insights
from sikoia_async.sandbox.resources.routing import Resource
from sikoia_async.sandbox.state import Record, State


def routes(state: State) -> list[Route]:
    """Return the routes for income and employer verification."""
    income = Income(state)
    one = "/v2/income-employer/{request_id}"
    listed = "/v2/{entity_type}/{entity_id}/income-employer"
    return [
        Route("/v2/income-employer", Resource(post=income.insights.request)),
        Route(one, Resource(get=income.get)),
        Route(f"{one}/additional-details", Resource(get=income.details)),
        Route(listed, Resource(get=income.insights.find)),
    ]


def start(state: State, entity_type: str, entity_id: str) -> Record:
    """Start a verification, and return the report without its data.

    Raises:
        ApiError: The entity does not exist.
    """
    return {**insights(state).start(entity_type, entity_id), "data": None}


def insights(state: State) -> Insights:
    """Return the requests for income and employer verification."""
    return Insights(
        state=state,
        kind="income",
        listed_as="income_employer_requests",
        usable=("Payslip", "BankStatement", "BankAccount", "SA302", "TaxOverview"),
    )


class Income:
    """Handlers for `/v2/income-employer`."""

    def __init__(self, state: State) -> None:
        self._state = state
        self.insights: Insights = insights(state)

    async def get(self, request: Request) -> Response:
        """Return the report."""
        insights, used = self.insights.current(request.path_params["request_id"])
        data = overview(self._state, used, _day(insights)) if used else None
        return JSONResponse({**insights, "data": data})

    async def details(self, request: Request) -> Response:
        """Return the details from each data source."""
        insights, used = self.insights.current(request.path_params["request_id"])
        data = details(self._state, used, _day(insights)) if used else None
        return JSONResponse({**insights, "data": data})


def _day(insights: Record) -> date:
    return date.fromisoformat(insights["datetime_requested"][:10])
