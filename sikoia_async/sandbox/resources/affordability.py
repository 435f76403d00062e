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
    """Serve affordability insights."""
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
    """Answers for `/v2/affordability-insights`."""

    def __init__(self, state: State) -> None:
        self._state = state
        self.insights: Insights = insights(state)

    async def get(self, request: Request) -> Response:
        """Answer the insights."""
        asked, found, used = self._look(request)
        data = {"cashflow": cashflow(found), "indicators": indicators(found), "data_sources": used}
        return JSONResponse({**asked, "data": data if used else None})

    async def monthly(self, request: Request) -> Response:
        """Answer the transactions, summed up by month."""
        asked, found, used = self._look(request)
        data = monthly(found) if used else None
        return JSONResponse({**asked, "data": data, "data_sources": used})

    async def transactions(self, request: Request) -> Response:
        """Answer the transactions, one by one."""
        asked, found, used = self._look(request)
        data = found if used else None
        return JSONResponse({**asked, "data": data, "data_sources": used})

    def _look(self, request: Request) -> tuple[Record, list[Record], list[Record] | None]:
        asked, used = self.insights.current(request.path_params["request_id"])
        if used is None:
            return asked, [], None
        day = date.fromisoformat(asked["datetime_requested"][:10])
        found = transactions(self._state, used, asked["entity_id"], day)
        return asked, found, [source_summary(source) for source in used]
