"""Integrity checks of documents; each starts by itself with the upload."""

from collections.abc import Iterator
from itertools import product
from uuid import UUID

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sikoia_async.sandbox.errors import not_found
from sikoia_async.sandbox.resources.details import data_source_ids
from sikoia_async.sandbox.resources.routing import Resource
from sikoia_async.sandbox.state import Record, State
from sikoia_async.sandbox.store import Entry
from sikoia_async.sandbox.timestamps import long_timestamp

# The documents that are read, the name of their check, and its rules.
_CHECKS = {
    "BankStatement": ("Bank Statement Integrity Checks", "Statement is the bank's own file"),
    "Payslip": ("Payslip Integrity Checks", "Payslip amounts add up"),
    "SA302": ("SA302 Integrity Checks", "Form is complete"),
    "TaxOverview": ("Tax Overview Integrity Checks", "Overview is complete"),
}
_FOR_ALL = ("File was not edited", "Fonts are the same throughout")
_EDITED = {
    "Refer": "The file may have been changed after it was made.",
    "Fail": "The file was changed after it was made.",
}
_MESSAGES = {"Pending": "The check is in progress.", "Complete": "The check is complete."}


def routes(state: State) -> list[Route]:
    """Return the routes for integrity checks."""
    checks = Checks(state)
    return [
        Route("/v2/documents/{document_id}/integrity-checks", Resource(get=checks.get)),
        Route("/v2/{entity_type}/{entity_id}/integrity-checks", Resource(get=checks.find)),
    ]


def start(state: State, document: Record) -> None:
    """Start the check of an uploaded document, if documents of its type are checked."""
    if _is_checked(document):
        check: Record = {"document_id": document["document_id"]}
        state.store("integrity").add(_key(document), check, entity_id=document["entity_id"])
        state.progress.start("integrity", _key(document))


def delete(state: State, document: Record) -> None:
    """Delete the check of a deleted document."""
    if _is_checked(document):
        state.store("integrity").remove(_key(document))


def status_of(check: Entry) -> str:
    """Return the status of a check."""
    if not check.is_done:
        return "Pending"
    return "Failed" if check.failure else "Complete"


def decisions(state: State, entity_id: str) -> Iterator[tuple[Record, list[Record]]]:
    """Return an entity's documents whose check is complete, with the decisions of its rules."""
    checks = Checks(state)
    for entry in state.store("documents").of(entity_id):
        if _is_checked(entry.record) and checks.status(entry.record) == "Complete":
            yield entry.record, list(checks.rules(entry))


class Checks:
    """Handlers for `integrity-checks`."""

    def __init__(self, state: State) -> None:
        self._state = state

    async def get(self, request: Request) -> Response:
        """Return the check of a document."""
        document_id = request.path_params["document_id"]
        entry = self._state.store("documents").get(document_id)
        if not _is_checked(entry.record):
            path = f"{document_id}/integrity-checks"
            raise not_found(path)
        kind, summary = entry.record["sikoia_document_type"], self._summary(entry)
        return JSONResponse(
            {
                **summary,
                "integrity_check_name": _CHECKS[kind][0],
                "integrity_check_version": "1",
                "entity_id": entry.record["entity_id"],
                "entity_type": entry.record["entity_type"],
                "rules": list(self.rules(entry)) if summary["status"] == "Complete" else None,
            }
        )

    async def find(self, request: Request) -> Response:
        """Return the status of the checks of an entity's documents, newest first."""
        kind = self._state.type_of(request.path_params["entity_type"])
        entity_id = request.path_params["entity_id"]
        self._state.entity(kind, entity_id)
        documents = self._state.store("documents").of(entity_id)
        requests = [self._summary(entry) for entry in documents if _is_checked(entry.record)]
        return JSONResponse(
            {"entity_id": entity_id, "entity_type": kind, "integrity_check_requests": requests}
        )

    def _summary(self, entry: Entry) -> Record:
        document = entry.record
        check = self._state.store("integrity").get(_key(document))
        status = status_of(check)
        number = self._state.draw("integrity", document["sikoia_document_type"]).getrandbits(128)
        return {
            "integrity_type_id": str(UUID(int=number, version=4)),
            "document_id": document["document_id"],
            "status": status,
            "datetime_requested": document["datetime_created"],
            "datetime_completed": check.ended and long_timestamp(check.ended),
            "message": check.failure or _MESSAGES[status],
        }

    def status(self, document: Record) -> str:
        """Return the status of the check of a document."""
        return status_of(self._state.store("integrity").get(_key(document)))

    def rules(self, entry: Entry) -> Iterator[Record]:
        """Return the decision of each rule on a document."""
        document = entry.record
        decision = document["_scenario"].integrity
        own = _CHECKS[document["sikoia_document_type"]][1]
        ids = data_source_ids(self._state, document)
        for source_id, name in product(ids, (*_FOR_ALL, own)):
            is_edited = name == _FOR_ALL[0] and decision != "Pass"
            yield {
                "data_source_id": source_id,
                "rule_name": name,
                "decision": decision if is_edited else "Pass",
                "message": _EDITED[decision] if is_edited else None,
            }


def _is_checked(document: Record) -> bool:
    """Return whether a document is checked; documents of companies are not."""
    return document["entity_type"] != "company" and document["sikoia_document_type"] in _CHECKS


def _key(document: Record) -> str:
    """Return our key of a check; the API identifies it by the document's id."""
    return f"integrity of {document['document_id']}"
