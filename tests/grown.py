"""A local Sikoia with many cases, and the requests whose time must not depend on their number."""

import json
import random
import time
from collections.abc import Sequence
from typing import Any, Final
from uuid import uuid4

import attrs
from starlette.types import Message

from sikoia_async.sandbox import App, Credentials, Rate, Time, create_app

__all__ = ["GROUPS", "Grown", "ask", "new_app"]

_KEY: Final = "a-key"
_WORK: Final = 60.0
_CALLS: Final = 20
"""How often each request of a group is sent in a round."""


def new_app() -> App:
    """Create a local Sikoia without a limit, whose clock stands still."""
    return create_app(
        rate=Rate(requests_per_window=10**9),
        credentials=Credentials(token_life=10**9, api_key=_KEY),
        time=Time(speed=0),
        work_time=_WORK,
    )


async def ask(app: App, method: str, path: str, body: bytes = b"") -> Any:
    """Send a request, and return the JSON of its response."""
    headers = {
        "host": "sandbox.example",
        "accept": "application/json",
        "content-type": "application/json",
        "user-agent": "a suite",
        "apikey": _KEY,
        "x-correlation-id": str(uuid4()),
    }
    scope = {
        "type": "http",
        "method": method,
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
    }
    sent: list[bytes] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Message) -> None:
        sent.append(message.get("body", b""))

    await app(scope, receive, send)
    text = b"".join(sent)
    return json.loads(text) if text else None


Request = tuple[str, str, dict[str, Any] | None]
"""A method, a path with the ids of a case in braces, and a body with such ids as values."""

_PERSON: Final = {"entity_type": "person", "entity_id": "{person}"}
_FILE: Final = {"file": "JVBERi0xLjc=", "display_name": "A file", "file_name": "statement.pdf"}
_STATEMENT: Final = {**_PERSON, **_FILE, "document_type": "BankStatement"}
GROUPS: Final[dict[str, Sequence[Request]]] = {
    "read a case and its documents": (
        ("GET", "/v2/cases/{case}", None),
        ("GET", "/v2/documents/{document}", None),
        ("GET", "/v2/documents/{document}/integrity-checks", None),
        ("GET", "/v2/persons/{person}/documents", None),
        ("GET", "/v2/persons/{person}/integrity-checks", None),
        ("GET", "/v2/cases/{case}/insight-data-sources", None),
    ),
    "read bank data": (
        ("GET", "/v2/persons/{person}/openbanking", None),
        ("GET", "/v2/openbanking/{connection}", None),
        ("GET", "/v2/persons/{person}/bankaccounts", None),
        ("GET", "/v2/bankaccounts/{account}", None),
        ("GET", "/v2/bankaccounts/{statement}", None),
    ),
    "read results": (
        ("GET", "/v2/identity/{verification}", None),
        ("GET", "/v2/persons/{person}/identity-verifications", None),
        ("GET", "/v2/persons/{person}/peps-sanctions", None),
        ("GET", "/v2/persons/{person}/income-employer", None),
        ("GET", "/v2/persons/{person}/validation-checks", None),
        ("GET", "/v2/companies/{company}/registry-data", None),
    ),
    "miss": (
        ("GET", "/v2/cases/none", None),
        ("GET", "/v2/persons/none/documents", None),
        ("GET", "/v2/bankaccounts/none", None),
        ("POST", "/v2/identity", {"person_id": "none"}),
    ),
    "change": (
        ("PATCH", "/v2/cases/{case}", {"description": "Changed"}),
        ("POST", "/v2/bankaccounts/{account}/refresh", None),
        ("POST", "/v2/adverse-media", _PERSON),
        ("POST", "/v2/affordability-insights", _PERSON),
    ),
}


@attrs.define
class Grown:
    """A local Sikoia with so many cases, each with a person, documents, accounts and results."""

    app: App
    cases: list[dict[str, str]] = attrs.field(factory=list[dict[str, str]])
    _draw: random.Random = attrs.field(factory=lambda: random.Random(7))  # noqa: S311 - no secret

    async def fill(self, count: int) -> None:
        """Create the cases, and let their work end."""
        for number in range(count):
            await self._add(number)
        self.app.clock.advance(_WORK)
        for ids in self.cases:
            accounts = await ask(self.app, "GET", f"/v2/persons/{ids['person']}/bankaccounts")
            ids["account"] = accounts[0]["account_connection_id"]
            ids["statement"] = accounts[-1]["account_connection_id"]

    async def _add(self, number: int) -> None:
        person = {"first_name": f"Wilma {number}", "last_name": "Example"}
        company = {
            "company_name": f"Widgets {number} Ltd",
            "company_number": f"{number:08}",
            "jurisdiction_code": "GB",
        }
        body = {
            "name": "Loan",
            "case_type": "Business",
            "companies": [company],
            "persons": [person],
        }
        case = await self._post("/v2/cases", body)
        ids = {
            "case": case["case_id"],
            "company": case["companies"][0]["company_id"],
            "person": case["persons"][0]["person_id"],
        }
        self.cases.append(ids)
        about = {"entity_type": "person", "entity_id": ids["person"]}
        document = await self._post("/v2/documents", _STATEMENT | about)
        connection = await self._post("/v2/openbanking", about)
        verification = await self._post("/v2/identity", {"person_id": ids["person"]})
        await self._post("/v2/peps-sanctions", about)
        await self._post("/v2/company-registry-data", {"company_id": ids["company"]})
        ids["document"] = document["document_id"]
        ids["connection"] = connection["bank_connection_id"]
        ids["verification"] = verification["request_id"]

    async def seconds(self, requests: Sequence[Request]) -> float:
        """Return the CPU time of a request about a case drawn at random."""
        began = time.process_time()
        for _ in range(_CALLS):
            ids = self._draw.choice(self.cases)
            for method, path, body in requests:
                sent = b"" if body is None else json.dumps(body).replace("{person}", ids["person"])
                content = sent.encode() if isinstance(sent, str) else sent
                await ask(self.app, method, path.format_map(ids), content)
        self.app.clock.advance(_WORK)
        return (time.process_time() - began) / _CALLS / len(requests)

    async def _post(self, path: str, body: dict[str, Any]) -> Any:
        return await ask(self.app, "POST", path, json.dumps(body).encode())
