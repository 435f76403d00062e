"""Creates data in a local Sikoia and puts its ids into requests, which would be 404s otherwise."""

import re
from base64 import b64encode
from collections.abc import Callable
from typing import Any

import httpx

from sikoia_async.sandbox import Sandbox
from sikoia_async.sandbox.resources import webhook_log

_COMPANY = {
    "company_name": "Placeholder Widgets Ltd",
    "company_number": "12345678",
    "jurisdiction_code": "GB",
}
_PERSON = {"first_name": "Wilma", "last_name": "Example", "date_of_birth": "1985-06-12"}
_DOCUMENTS = ("Other", "BankStatement", "SA302", "TaxOverview", "Payslip")
_EVENT = "DocumentProcessing.Completed"
_ID = re.compile("-".join(f"[0-9a-f]{{{size}}}" for size in (8, 4, 4, 4, 12)))
_LISTED = {"Companies": "company", "Persons": "person", "Cases": "case"}


class Seeds:
    """The id of one object of each kind; a new case replaces a deleted one.

    Args:
        sandbox: The local Sikoia.
        client: An HTTP client with an access token.
        work: Completes all pending work.
    """

    def __init__(self, sandbox: Sandbox, client: httpx.Client, work: Callable[[], None]) -> None:
        self._sandbox = sandbox
        self._client = client
        self._work = work
        self._ids: dict[str, str] = {}

    def fill_path(self, path: str, parameters: dict[str, Any]) -> None:
        """Put existing ids into a path."""
        kind = _LISTED.get(parameters.get("entity_type", ""), "case")
        for name in parameters.keys() - {"entity_type"}:
            key = f"{kind}_id" if name == "entity_id" else name
            parameters[name] = self._id(key, path.partition("/{")[0])

    def fill_body(self, path: str, body: dict[str, Any], *, only_ids: bool) -> None:
        """Put existing ids into a body, or the credentials into that of /token.

        Args:
            path: the path of the request.
            body: the body to change.
            only_ids: replace ids only, so that an invalid body stays invalid.
        """
        if path == "/token" and not only_ids:
            body.update(credentials(self._sandbox))
        if path.endswith("/entities/delete") and not only_ids:
            body["persons"] = [self._id("person_id")]
        kind = body.get("entity_type")
        known = {
            "entity_id": lambda: self._id(f"{kind}_id"),
            "person_id": lambda: self._id("person_id"),
            "company_id": lambda: self._id("company_id"),
            "request_id": lambda: self._id("request_id", path.removesuffix("/picklist")),
            "validation_type_id": lambda: self._id(f"{kind} check"),
            "event_types": lambda: [_EVENT],
        }
        for name in sorted(known.keys() & body.keys()):
            if not only_ids or _is_id(body[name]):
                body[name] = known[name]()
        for name, key in (("companies", "company_id"), ("persons", "person_id")):
            items = body.get(name)
            for place, item in enumerate(items if isinstance(items, list) else ()):
                if _is_id(item):
                    items[place] = self._id(key)
                elif isinstance(item, dict) and _is_id(item.get(key)):
                    item[key] = self._id(key)

    def _id(self, name: str, path: str = "") -> str:
        gone = self._sandbox.state.deleted
        if not self._ids or not gone.isdisjoint(self._ids.values()):
            self._ids = {}
            self._create()
        return self._ids.get(f"{path} {name}".strip()) or self._ids.get(name) or name

    def _create(self) -> None:
        created = self._post(
            "/v2/cases",
            {"name": "Loan", "case_type": "Business", "companies": [_COMPANY]}
            | {"persons": [_PERSON]},
        )
        company_id = created["companies"][0]["company_id"]
        person_id = created["persons"][0]["person_id"]
        self._ids = {
            "case_id": created["case_id"],
            "company_id": company_id,
            "person_id": person_id,
        }
        person = {"entity_type": "person", "entity_id": person_id}
        for kind in _DOCUMENTS:
            self._make("document_id", "/v2/documents", person | _file(kind))
        self._make("bank_connection_id", "/v2/openbanking", person)
        self._work()
        for account in self._get(f"/v2/Persons/{person_id}/bankaccounts"):
            # Only these accounts can be refreshed.
            if account["source"] == "OpenBanking":
                self._ids["account_connection_id"] = account["account_connection_id"]
        company = {"company_id": company_id}
        several = company | {"company_name": "Several Example Ltd", "country_code": "GB"}
        self._make("request_id", "/v2/identity", {"person_id": person_id})
        self._make("request_id", "/v2/affordability-insights", person)
        self._make("request_id", "/v2/income-employer", person)
        self._make("request_id", "/v2/company-online-data", company)
        self._make("request_id", "/v2/company-registry-data", several)
        self._make("request_id", "/v2/company-credit-reports", several)
        for kind in self._get("/v2/validation-checks/validation-types"):
            self._ids[f"{kind['entity_type']} check"] = kind["validation_type_id"]
        check = person | {"validation_type_id": self._ids["person check"]}
        self._make("validation_instance_id", "/v2/validation-checks", check)
        webhook = {"webhook_name": "All", "webhook_callback_url": "https://127.0.0.1:1/hook"}
        self._make("webhook_id", "/v2/webhooks", webhook | {"event_types": [_EVENT]})
        webhook_id = self._ids["/v2/webhooks webhook_id"]
        webhook_log.record(
            self._sandbox.state, webhook_id, event_type=_EVENT, event_data={}, codes=(500, 200)
        )
        self._work()

    def _make(self, name: str, path: str, body: dict[str, Any]) -> None:
        self._ids[f"{path} {name}"] = self._ids[name] = self._post(path, body)[name]

    def _post(self, path: str, body: dict[str, Any]) -> Any:
        return self._client.post(path, json=body).raise_for_status().json()

    def _get(self, path: str) -> Any:
        return self._client.get(path).raise_for_status().json()


def _is_id(value: Any) -> bool:
    return isinstance(value, str) and bool(_ID.fullmatch(value))


def credentials(sandbox: Sandbox) -> dict[str, str]:
    """Return the form for the token endpoint."""
    return {
        "grant_type": "client_credentials",
        "scope": sandbox.scope,
        "client_id": sandbox.client_id,
        "client_secret": sandbox.client_secret,
    }


def _file(kind: str) -> dict[str, str]:
    return {
        "file": b64encode(b"%PDF-1.7 nothing").decode(),
        "document_type": kind,
        "display_name": "A document",
        "file_name": f"{kind}.pdf",
    }
