"""What income and affordability have in common: asked for, pending, and made from data sources.

The data sources are those that are complete at the first look after the work time, which is at once
where a webhook is to be told. From then on the answer stays as it is.
"""

from collections.abc import Collection

import attrs
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from sikoia_async.sandbox.errors import not_found_as_invalid
from sikoia_async.sandbox.resources.data_sources import sources
from sikoia_async.sandbox.resources.field_rules import filled, one_of, record
from sikoia_async.sandbox.resources.routing import read
from sikoia_async.sandbox.state import Record, State
from sikoia_async.sandbox.timestamps import long_timestamp

_REQUEST = record(
    {"entity_id": filled, "entity_type": one_of("company", "person", "case")},
    required=("entity_id", "entity_type"),
)
_LISTED = ("request_id", "status", "datetime_requested", "datetime_completed", "message")


@attrs.frozen(kw_only=True)
class Insights:
    """The requests for insights of one kind."""

    state: State
    kind: str
    """The name of their store, and of their kind in messages."""
    listed_as: str
    """The field that lists have them in."""
    usable: Collection[str]
    """Which types of data sources they can be made from."""

    async def request(self, request: Request) -> Response:
        """Begin to make insights."""
        body = await read(request, _REQUEST)
        return JSONResponse(self.start(body["entity_type"], body["entity_id"]), 201)

    async def find(self, request: Request) -> Response:
        """Answer the requests about an entity, the newest first."""
        kind = self.state.type_of(request.path_params["entity_type"])
        entity_id = request.path_params["entity_id"]
        self.state.entity(kind, entity_id)
        asked = [
            self.current(entry.record["request_id"])[0]
            for entry in self.state.store(self.kind).of(entity_id)
        ]
        listed = [{name: one[name] for name in _LISTED} for one in asked]
        return JSONResponse({"entity_id": entity_id, "entity_type": kind, self.listed_as: listed})

    def start(self, entity_type: str, entity_id: str) -> Record:
        """Begin to make insights on an entity, and answer the request.

        Raises:
            ApiError: There is no such entity: 400, as for most POSTs.
        """
        with not_found_as_invalid("entity_id"):
            self.state.entity(entity_type, entity_id)
        asked: Record = {
            "request_id": self.state.new_id(),
            "status": "Pending",
            "entity_id": entity_id,
            "entity_type": self.state.type_of(entity_type),
            "datetime_requested": long_timestamp(self.state.now()),
            "datetime_completed": None,
            "message": f"The {self.kind} insights are being made.",
        }
        self.state.store(self.kind).add(asked["request_id"], dict(asked), entity_id=entity_id)
        self.state.progress.start(self.kind, asked["request_id"])
        return asked

    def current(self, request_id: str) -> tuple[Record, list[Record] | None]:
        """Answer a request as it is by now, and what it is made from once it is complete.

        Raises:
            ApiError: The request never was, or went with its entity.
        """
        entry = self.state.store(self.kind).get(request_id)
        if "used" not in entry.record and self.state.progress.is_done(entry):
            self._complete(entry.record, entry.failure)
        asked = {name: value for name, value in entry.record.items() if name != "used"}
        return asked, entry.record.get("used")

    def _complete(self, asked: Record, failure: str | None) -> None:
        used = [] if failure else self._sources(asked)
        types = ", ".join(self.usable)
        needed = f"The entity needs a data source that is Complete, of one of the types {types}."
        asked["used"] = used or None
        asked["status"] = "Complete" if used else "Failed"
        asked["datetime_completed"] = long_timestamp(self.state.now())
        asked["message"] = f"The {self.kind} insights are complete." if used else failure or needed

    def _sources(self, asked: Record) -> list[Record]:
        """Find what they can be made from."""
        return [
            source
            for source in sources(self.state, asked["entity_type"], asked["entity_id"])
            if source["status"] == "Complete" and source["source_type"] in self.usable
        ]


def source_summary(source: Record) -> Record:
    """Show a data source as insights do."""
    names = ("source_name", "source_id", "source_category_type", "source_type")
    return {name: source[name] for name in names}
