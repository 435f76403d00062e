"""The operations on the Excel report."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sikoia_async.sandbox.resources.credits import require_service
from sikoia_async.sandbox.resources.data_sources import sources
from sikoia_async.sandbox.resources.routing import Resource
from sikoia_async.sandbox.resources.workbook import Rows, workbook
from sikoia_async.sandbox.state import State

_COLUMNS = ("source_name", "source_type", "status", "start_date", "end_date", "provided_date")
_SHEETS = {"Document": "Documents", "OpenBanking": "Open banking"}


def routes(state: State) -> list[Route]:
    """Return the routes for the Excel report."""
    path = "/v2/{entity_type}/{entity_id}/excel-report"
    return [Route(path, Resource(get=Reports(state).excel))]


class Reports:
    """Handlers for `excel-report`."""

    def __init__(self, state: State) -> None:
        self._state = state

    async def excel(self, request: Request) -> Response:
        """Return a workbook with a sheet for each kind of data source that exists."""
        kind = self._state.type_of(request.path_params["entity_type"])
        entity_id = request.path_params["entity_id"]
        require_service(self._state, self._state.entity(kind, entity_id))
        data_sources = sources(self._state, kind, entity_id)
        sheets: dict[str, Rows] = {"Summary": [("entity", kind), ("sources", len(data_sources))]}
        for category, title in _SHEETS.items():
            rows = [one for one in data_sources if one["source_category_type"] == category]
            if rows:
                sheets[title] = [_COLUMNS, *([row[name] for name in _COLUMNS] for row in rows)]
        # The specification declares this media type, although the body is a workbook.
        return Response(workbook(sheets), media_type="application/json")
