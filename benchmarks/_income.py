"""A fictitious income report and its details, as bytes, from the local Sikoia."""

from typing import Final

import httpx

from sikoia_async import Sikoia
from sikoia_async.environments import local
from sikoia_async.sandbox import Credentials, create_app

__all__ = ["DETAILS", "REPORT", "income_bodies"]

REPORT: Final = "/v2/income-employer/{request_id}"
DETAILS: Final = "/v2/income-employer/{request_id}/additional-details"

_URL: Final = "https://127.0.0.1"
_JSON: Final = "application/json"
_HEADERS: Final = {"apikey": "key", "Accept": _JSON, "Content-Type": _JSON}
_PDF: Final = b"%PDF-1.7\n%%EOF\n"


async def income_bodies() -> dict[str, bytes]:
    """Return the responses of both paths for a case with three documents."""
    wire = httpx.ASGITransport(create_app(credentials=Credentials(api_key="key"), work_time=0))
    async with (
        Sikoia(api_key="key", environment=local(_URL), transport=wire) as sikoia,
        httpx.AsyncClient(transport=wire, base_url=_URL, headers=_HEADERS) as client,
    ):
        case = await sikoia.cases.create(name="Example", case_type="Consumer")
        await sikoia.documents.upload(case, _PDF, document_type="Payslip", file_name="a.pdf")
        await sikoia.documents.upload(case, _PDF, document_type="BankStatement", file_name="b.pdf")
        await sikoia.documents.upload(case, _PDF, document_type="SA302", file_name="c.pdf")
        report = await (await sikoia.income.request(case))
        return {
            path: (await client.get(path.format(request_id=report.request_id))).content
            for path in (REPORT, DETAILS)
        }
