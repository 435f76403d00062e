"""The operation on data sources: the documents and bank accounts that insights are made from."""

from collections.abc import Iterator
from datetime import date

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sikoia_async.sandbox.resources.bank_accounts import Bank
from sikoia_async.sandbox.resources.bank_transactions import HISTORY
from sikoia_async.sandbox.resources.details import data_source_ids, type_of_document
from sikoia_async.sandbox.resources.routing import Resource
from sikoia_async.sandbox.state import Record, State
from sikoia_async.sandbox.store import Entry

READ = ("BankStatement", "Payslip", "SA302", "TaxOverview")
"""The types of documents that are read; all others are only classified."""


def routes(state: State) -> list[Route]:
    """Return the routes for data sources."""
    path = "/v2/{entity_type}/{entity_id}/insight-data-sources"
    return [Route(path, Resource(get=DataSources(state).find))]


class DataSources:
    """Handlers for `insight-data-sources`."""

    def __init__(self, state: State) -> None:
        self._state = state

    async def find(self, request: Request) -> Response:
        """Return all data sources of an entity."""
        kind = self._state.type_of(request.path_params["entity_type"])
        entity_id = request.path_params["entity_id"]
        data_sources = sources(self._state, kind, entity_id)
        return JSONResponse(
            {"entity_id": entity_id, "entity_type": kind, "data_sources": data_sources}
        )


def sources(state: State, entity_type: str, entity_id: str) -> list[Record]:
    """Return the data sources of an entity; those of a case include its companies and people.

    Raises:
        ApiError: The entity was deleted or never existed, or the type is unknown.
    """
    entity = state.entity(entity_type, entity_id)
    return [
        source
        for member_id in members(entity_id, entity)
        for source in (*_documents(state, member_id), *_accounts(state, member_id))
    ]


def members(entity_id: str, entity: Record) -> Iterator[str]:
    """Return the id of an entity, and of the companies and people of a case."""
    yield entity_id
    for company in entity.get("companies", ()):
        yield company["company_id"]
    for person in entity.get("persons", ()):
        yield person["person_id"]


def _documents(state: State, entity_id: str) -> Iterator[Record]:
    for entry in state.store("documents").of(entity_id):
        document, status = entry.record, status_of(entry)
        # Until it is classified, only the type in the request is known.
        kind = type_of_document(document) if entry.is_done else document["document_type"] or "None"
        is_read = status == "Complete"
        day = _day(document["datetime_created"])
        is_statement = is_read and kind == "BankStatement"
        source: Record = {
            "source_name": document["display_name"],
            "source_id": document["document_id"],
            "data_source_id": None,
            "source_category_type": "Document",
            "source_type": kind,
            "status": status,
            "message": "The document is not used." if status == "Excluded" else entry.failure,
            "recipient": document["_owner"] if is_read else None,
            "source_date": f"{day}" if is_read else None,
            "source_uris": [f"{state.url}/v2/documents/{document['document_id']}"],
            "start_date": f"{day - HISTORY}" if is_statement else None,
            "end_date": f"{day}" if is_statement else None,
            "provided_date": document["datetime_created"],
        }
        for one in data_source_ids(state, document):
            yield {**source, "data_source_id": one}


def status_of(entry: Entry) -> str:
    """Return the status of a document as a data source."""
    if entry.failure:
        return "Failed"
    if not entry.is_done:
        return "Pending"
    if type_of_document(entry.record) not in READ:
        return "Provided"
    status: str = entry.record["_scenario"].reading
    return status


def _accounts(state: State, entity_id: str) -> Iterator[Record]:
    for account in Bank(state).open_banking(entity_id):
        account_id = account["account_connection_id"]
        yield {
            "source_name": None,
            "source_id": account_id,
            "data_source_id": account["data_source_id"],
            "source_category_type": "OpenBanking",
            "source_type": "BankAccount",
            "status": "Complete",
            "message": None,
            "recipient": next(iter(account["owners_name"]), None),
            "source_date": None,
            "source_uris": [f"{state.url}/v2/bankaccounts/{account_id}"],
            "start_date": f"{_day(account['datetime_connected']) - HISTORY}",
            "end_date": f"{_day(account['datetime_last_refreshed'])}",
            "provided_date": account["datetime_connected"],
        }


def _day(moment: str) -> date:
    return date.fromisoformat(moment[:10])
