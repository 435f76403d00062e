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
    """Serve income and employer verification."""
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
    """Begin a verification, and answer the report as it is at first.

    Raises:
        ApiError: There is no such entity.
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
    """Answers for `/v2/income-employer`."""

    def __init__(self, state: State) -> None:
        self._state = state
        self.insights: Insights = insights(state)

    async def get(self, request: Request) -> Response:
        """Answer the report."""
        asked, used = self.insights.current(request.path_params["request_id"])
        data = overview(self._state, used, _day(asked)) if used else None
        return JSONResponse({**asked, "data": data})

    async def details(self, request: Request) -> Response:
        """Answer what each data source says."""
        asked, used = self.insights.current(request.path_params["request_id"])
        data = details(self._state, used, _day(asked)) if used else None
        return JSONResponse({**asked, "data": data})


def _day(asked: Record) -> date:
    return date.fromisoformat(asked["datetime_requested"][:10])
