"""The operations on validation checks.

A check uses the data sources that exist when it is requested, decides when its work ends, and never
changes after that.
"""

from collections.abc import Callable, Sequence
from datetime import datetime

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sikoia_async.sandbox.errors import invalid_request, not_found_as_invalid
from sikoia_async.sandbox.resources import income
from sikoia_async.sandbox.resources.check_rules import Kind, kinds, rolled_up
from sikoia_async.sandbox.resources.credits import require_service
from sikoia_async.sandbox.resources.data_sources import sources
from sikoia_async.sandbox.resources.details import public
from sikoia_async.sandbox.resources.field_rules import (
    list_of,
    non_empty,
    object_of,
    one_of,
    optional,
)
from sikoia_async.sandbox.resources.routing import Resource, read
from sikoia_async.sandbox.state import Record, State
from sikoia_async.sandbox.store import Entry
from sikoia_async.sandbox.timestamps import long_timestamp, short_timestamp

_parameter = object_of(
    {"source_id": non_empty, "source_category_type": one_of("Document", "OpenBanking")},
    required=("source_id", "source_category_type"),
)
RUN = object_of(
    {
        "validation_type_id": non_empty,
        "entity_id": non_empty,
        "entity_type": one_of("company", "person", "case"),
        "checklist_params": optional(list_of(_parameter)),
    },
    required=("validation_type_id", "entity_id", "entity_type"),
)
_LISTED = (
    "validation_instance_id",
    "validation_type_id",
    "status",
    "datetime_requested",
    "datetime_completed",
    "message",
)


def routes(state: State) -> list[Route]:
    """Return the routes for validation checks."""
    checks = Checks(state)
    listed = "/v2/{entity_type}/{entity_id}/validation-checks"
    return [
        Route("/v2/validation-checks", Resource(post=checks.run)),
        Route("/v2/validation-checks/validation-types", Resource(get=checks.types)),
        Route("/v2/validation-checks/{validation_instance_id}", Resource(get=checks.get)),
        Route(listed, Resource(get=checks.find)),
        Route("/v2/completeness-income-checks", Resource(post=checks.run_with_income)),
    ]


class Checks:
    """Handlers for `/v2/validation-checks` and `/v2/completeness-income-checks`."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._store = state.store("checks")
        self._kinds = kinds(state)

    async def types(self, _request: Request) -> Response:
        """Return all checks that can be run."""
        return JSONResponse([kind.listed for kind in self._kinds.values()])

    async def run(self, request: Request) -> Response:
        """Start a check; the response has neither its name nor its rules."""
        check = self._create(await read(request, RUN))
        self._state.progress.start("checks", check["validation_instance_id"])
        check = _as_response(check, short_timestamp)
        del check["validation_check_name"], check["rules"]
        return JSONResponse(check, 201)

    async def get(self, request: Request) -> Response:
        """Return a check with the decisions of its rules."""
        entry = self._store.get(request.path_params["validation_instance_id"])
        return JSONResponse(_as_response(entry.record, short_timestamp))

    async def find(self, request: Request) -> Response:
        """Return the checks of an entity, newest first."""
        entity_type = self._state.type_of(request.path_params["entity_type"])
        entity_id = request.path_params["entity_id"]
        self._state.entity(entity_type, entity_id)
        checks = [_as_response(entry.record, long_timestamp) for entry in self._store.of(entity_id)]
        return JSONResponse(
            {
                "entity_id": entity_id,
                "entity_type": entity_type,
                "validation_check_requests": [
                    {name: check[name] for name in _LISTED} for check in checks
                ],
            }
        )

    async def run_with_income(self, request: Request) -> Response:
        """Run a check at once, and request an income report if it passes."""
        body = await read(request, RUN)
        with not_found_as_invalid("entity_id"):
            entity = self._state.entity(body["entity_type"], body["entity_id"])
        require_service(self._state, entity)
        check = self._create(body)
        if self._state.all_completeness_rules:
            kinds = [one for one in self._kinds.values() if one.entity_type == body["entity_type"]]
        else:
            kinds = [self._kind(body)]
        self._decide(check, self._state.now(), kinds)
        passed = check["status"] == "Complete"
        subject = check["entity_type"], check["entity_id"]
        return JSONResponse(
            {
                "completness_verification": _as_response(check, short_timestamp),
                "income_verification": income.start(self._state, *subject) if passed else None,
            }
        )

    def _create(self, body: Record) -> Record:
        entity_id, entity_type = body["entity_id"], body["entity_type"]
        with not_found_as_invalid("entity_id"):
            existing = sources(self._state, entity_type, entity_id)
        kind = self._kind(body)
        parameters = body.get("checklist_params")
        selected = [parameter["source_id"] for parameter in parameters or ()]
        check: Record = {
            "validation_instance_id": self._state.new_id(),
            "validation_type_id": kind.validation_type_id,
            "validation_check_name": kind.name,
            "status": "Pending",
            "entity_id": entity_id,
            "entity_type": entity_type,
            "checklist_params": parameters,
            "datetime_requested": self._state.now(),
            "datetime_completed": None,
            "message": "The check is in progress.",
            "rules": None,
            "_sources": {
                one["source_id"] for one in existing if not selected or one["source_id"] in selected
            },
        }
        self._store.add(check["validation_instance_id"], check, entity_id=entity_id)
        return check

    def _kind(self, body: Record) -> Kind:
        kind = self._kinds.get(body["validation_type_id"])
        if kind is None or kind.entity_type != body["entity_type"]:
            detail = "validation_type_id must be a check for this type of entity."
            raise invalid_request(detail)
        return kind

    def end(self, entry: Entry, moment: datetime) -> None:
        """Decide a check whose work has ended."""
        if entry.failure:
            ended = {"status": "Failed", "message": entry.failure, "datetime_completed": moment}
            entry.record.update(ended)
        else:
            kind = self._kinds[entry.record["validation_type_id"]]
            self._decide(entry.record, moment, [kind])

    def _decide(self, check: Record, moment: datetime, kinds: Sequence[Kind]) -> None:
        """Decide on the data sources that existed when the check was requested."""
        current = sources(self._state, check["entity_type"], check["entity_id"])
        used = [source for source in current if source["source_id"] in check["_sources"]]
        rules = [rule for kind in kinds for rule in kind.rules(used)]
        status = rolled_up(rules, refer_fails=self._state.refer_fails)
        check.update(status=status, rules=rules, message=None, datetime_completed=moment)


def _as_response(check: Record, timestamp: Callable[[datetime], str]) -> Record:
    completed = check["datetime_completed"]
    return {
        **public(check),
        "datetime_requested": timestamp(check["datetime_requested"]),
        "datetime_completed": completed and timestamp(completed),
    }
