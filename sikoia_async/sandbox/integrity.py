"""Checks of documents' integrity: they begin by themselves, with the upload.

A file whose name has the word `tampered` in it does not pass.
"""

from collections.abc import Iterator
from uuid import UUID

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from .bank import data_source_id
from .errors import not_found
from .resource import Resource
from .stamps import wide
from .state import Record, State
from .store import Entry

# The documents that are read, the name of their check, and its rules.
_CHECKS = {
    "BankStatement": ("Bank Statement Integrity Checks", "Statement is the bank's own file"),
    "Payslip": ("Payslip Integrity Checks", "Payslip amounts add up"),
    "SA302": ("SA302 Integrity Checks", "Form is complete"),
    "TaxOverview": ("Tax Overview Integrity Checks", "Overview is complete"),
}
_FOR_ALL = ("File was not edited", "Fonts are the same throughout")


def routes(state: State) -> list[Route]:
    """Serve the checks."""
    checks = Checks(state)
    return [
        Route("/v2/documents/{document_id}/integrity-checks", Resource(get=checks.get)),
        Route("/v2/{entity_type}/{entity_id}/integrity-checks", Resource(get=checks.find)),
    ]


class Checks:
    """Answers for `integrity-checks`."""

    def __init__(self, state: State) -> None:
        self._state = state

    async def get(self, request: Request) -> Response:
        """Answer the check of a document."""
        document_id = request.path_params["document_id"]
        entry = self._state.store("documents").get(document_id)
        if not _is_checked(entry.record):
            path = f"{document_id}/integrity-checks"
            raise not_found(path)
        kind = entry.record["sikoia_document_type"]
        return JSONResponse(
            {
                **self._summary(entry),
                "integrity_check_name": _CHECKS[kind][0],
                "integrity_check_version": "1",
                "entity_id": entry.record["entity_id"],
                "entity_type": entry.record["entity_type"],
                "rules": list(self._rules(entry)) if self._state.is_worked_out(entry) else None,
            }
        )

    async def find(self, request: Request) -> Response:
        """Answer how far the checks of an entity's documents are, the newest first."""
        kind = self._state.type_of(request.path_params["entity_type"])
        entity_id = request.path_params["entity_id"]
        self._state.entity(kind, entity_id)
        found = self._state.store("documents").of(entity_id)
        requests = [self._summary(entry) for entry in found if _is_checked(entry.record)]
        return JSONResponse(
            {"entity_id": entity_id, "entity_type": kind, "integrity_check_requests": requests}
        )

    def _summary(self, entry: Entry) -> Record:
        document, is_done = entry.record, self._state.is_worked_out(entry)
        number = self._state.draw("integrity", document["sikoia_document_type"]).getrandbits(128)
        if is_done:
            document.setdefault("_completed", wide(self._state.now()))
        return {
            "integrity_type_id": str(UUID(int=number, version=4)),
            "document_id": document["document_id"],
            "status": "Complete" if is_done else "Pending",
            "datetime_requested": document["datetime_created"],
            "datetime_completed": document.get("_completed"),
            "message": "The check is done." if is_done else "The check is under way.",
        }

    def _rules(self, entry: Entry) -> Iterator[Record]:
        document = entry.record
        is_tampered = "tampered" in document["file_name"].lower()
        own = _CHECKS[document["sikoia_document_type"]][1]
        for name in (*_FOR_ALL, own):
            fails = is_tampered and name == _FOR_ALL[0]
            yield {
                "data_source_id": data_source_id(self._state, document["document_id"]),
                "rule_name": name,
                "decision": "Fail" if fails else "Pass",
                "message": "The file was changed after it was made." if fails else None,
            }


def _is_checked(document: Record) -> bool:
    """Tell whether a document is checked: documents of companies are not."""
    return document["entity_type"] != "company" and document["sikoia_document_type"] in _CHECKS
