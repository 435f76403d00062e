"""The operations on affordability insights."""

from datetime import date

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sikoia_async.sandbox.resources.affordability_data import (
    cashflow,
    indicators,
    monthly,
    transactions,
)
from sikoia_async.sandbox.resources.insights import Insights, source_summary
from sikoia_async.sandbox.resources.routing import Resource
from sikoia_async.sandbox.state import Record, State


def routes(state: State) -> list[Route]:
    """Return the routes for affordability insights."""
    affordability = Affordability(state)
    one = "/v2/affordability-insights/{request_id}"
    listed = "/v2/{entity_type}/{entity_id}/affordability-insights"
    return [
        Route("/v2/affordability-insights", Resource(post=affordability.insights.request)),
        Route(one, Resource(get=affordability.get)),
        Route(f"{one}/transactions", Resource(get=affordability.monthly)),
        Route(f"{one}/transaction-details", Resource(get=affordability.transactions)),
        Route(listed, Resource(get=affordability.insights.find)),
    ]


def insights(state: State) -> Insights:
    """Return the requests for affordability insights."""
    return Insights(
        state=state,
        kind="affordability",
        listed_as="affordability_insights_requests",
        usable=("BankStatement", "BankAccount"),
    )


class Affordability:
    """Handlers for `/v2/affordability-insights`."""

    def __init__(self, state: State) -> None:
        self._state = state
        self.insights: Insights = insights(state)

    async def get(self, request: Request) -> Response:
        """Return the insights."""
        insights, rows, used = self._current(request)
        data = {"cashflow": cashflow(rows), "indicators": indicators(rows), "data_sources": used}
        return JSONResponse({**insights, "data": data if used else None})

    async def monthly(self, request: Request) -> Response:
        """Return the transactions, summed up by month."""
        insights, rows, used = self._current(request)
        data = monthly(rows) if used else None
        return JSONResponse({**insights, "data": data, "data_sources": used})

    async def transactions(self, request: Request) -> Response:
        """Return the single transactions."""
        insights, rows, used = self._current(request)
        data = rows if used else None
        return JSONResponse({**insights, "data": data, "data_sources": used})

    def _current(self, request: Request) -> tuple[Record, list[Record], list[Record] | None]:
        insights, used = self.insights.current(request.path_params["request_id"])
        if used is None:
            return insights, [], None
        day = date.fromisoformat(insights["datetime_requested"][:10])
        rows = transactions(self._state, used, insights["entity_id"], day)
        return insights, rows, [source_summary(source) for source in used]
