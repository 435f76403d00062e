"""What income and affordability share: requests that wait, and then use complete data sources.

They use the data sources that are complete at the request and still exist when the work ends, and
never change after that.
"""

from collections.abc import Collection
from datetime import datetime

import attrs
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from sikoia_async.sandbox.errors import invalid_request, not_found_as_invalid
from sikoia_async.sandbox.resources.credits import require_service
from sikoia_async.sandbox.resources.data_sources import sources
from sikoia_async.sandbox.resources.details import public
from sikoia_async.sandbox.resources.field_rules import non_empty, object_of, one_of
from sikoia_async.sandbox.resources.routing import read
from sikoia_async.sandbox.state import Record, State
from sikoia_async.sandbox.store import Entry
from sikoia_async.sandbox.timestamps import long_timestamp

_REQUEST = object_of(
    {"entity_id": non_empty, "entity_type": one_of("company", "person", "case")},
    required=("entity_id", "entity_type"),
)
_LISTED = ("request_id", "status", "datetime_requested", "datetime_completed", "message")


@attrs.frozen(kw_only=True)
class Insights:
    """The requests for one kind of insights."""

    state: State
    kind: str
    """The name of their store, and how messages call them."""
    listed_as: str
    """The field for them in lists."""
    usable: Collection[str]
    """The types of data sources that they can use."""

    async def request(self, request: Request) -> Response:
        """Request insights."""
        body = await read(request, _REQUEST)
        with not_found_as_invalid("entity_id"):
            entity = self.state.entity(body["entity_type"], body["entity_id"])
        require_service(self.state, entity)
        return JSONResponse(self.start(body["entity_type"], body["entity_id"]), 201)

    async def find(self, request: Request) -> Response:
        """Return the requests for an entity, newest first."""
        kind = self.state.type_of(request.path_params["entity_type"])
        entity_id = request.path_params["entity_id"]
        self.state.entity(kind, entity_id)
        requests = [
            self.current(entry.record["request_id"])[0]
            for entry in self.state.store(self.kind).of(entity_id)
        ]
        listed = [{name: one[name] for name in _LISTED} for one in requests]
        return JSONResponse({"entity_id": entity_id, "entity_type": kind, self.listed_as: listed})

    def start(self, entity_type: str, entity_id: str) -> Record:
        """Start a request for insights into an entity, and return it.

        Raises:
            ApiError: The entity does not exist; the response is a 400, as for most POSTs. Or it has
                no complete data source, and the local Sikoia refuses insights without one.
        """
        with not_found_as_invalid("entity_id"):
            ready = self._complete_sources(entity_type, entity_id)
        if not ready and self.state.refuses_insights_without_data:
            raise invalid_request(self._needed)
        insights: Record = {
            "request_id": self.state.new_id(),
            "status": "Pending",
            "entity_id": entity_id,
            "entity_type": self.state.type_of(entity_type),
            "datetime_requested": long_timestamp(self.state.now()),
            "datetime_completed": None,
            "message": f"The {self.kind} insights are being made.",
        }
        record = {**insights, "_ready": [source["source_id"] for source in ready]}
        self.state.store(self.kind).add(insights["request_id"], record, entity_id=entity_id)
        self.state.progress.start(self.kind, insights["request_id"])
        return insights

    def current(self, request_id: str) -> tuple[Record, list[Record] | None]:
        """Return a request with its current status, and the data sources that it uses.

        Raises:
            ApiError: The request never existed, or was deleted with its entity.
        """
        record = self.state.store(self.kind).get(request_id).record
        return public(record), record.get("_used")

    def end(self, entry: Entry, moment: datetime) -> None:
        """Complete the insights of a request whose work has ended, or let them fail."""
        insights = entry.record
        complete = self._complete_sources(insights["entity_type"], insights["entity_id"])
        ready = [one for one in complete if one["source_id"] in insights["_ready"]]
        used = [] if entry.failure else ready
        insights["_used"] = used or None
        insights["status"] = "Complete" if used else "Failed"
        insights["datetime_completed"] = long_timestamp(moment)
        insights["message"] = (
            f"The {self.kind} insights are complete." if used else entry.failure or self._needed
        )

    @property
    def _needed(self) -> str:
        types = ", ".join(self.usable)
        return f"The entity needs a Complete data source of one of these types: {types}."

    def _complete_sources(self, entity_type: str, entity_id: str) -> list[Record]:
        """Return the data sources that the insights can use."""
        return [
            source
            for source in sources(self.state, entity_type, entity_id)
            if source["status"] == "Complete" and source["source_type"] in self.usable
        ]


def source_summary(source: Record) -> Record:
    """Return a data source as insights list it."""
    names = ("source_name", "source_id", "source_category_type", "source_type")
    return {name: source[name] for name in names}
