"""The index of the first item of a picklist, which Sikoia does not document."""

from collections.abc import Callable
from typing import Literal

import httpx
import pytest

from sikoia_async.sandbox import Sandbox, Wire

COMPANY = {"company_name": "Placeholder Widgets Ltd", "company_number": "12345678"}


@pytest.mark.parametrize("base", [0, 1])
@pytest.mark.parametrize("path", ["/v2/company-registry-data", "/v2/company-credit-reports"])
def test_indexes_start_at_the_base(
    path: str, base: Literal[0, 1], connect: Callable[[Sandbox], httpx.Client]
) -> None:
    """Sending the index of an item selects that item; other indexes are refused."""
    with Sandbox(wire=Wire(picklist_base=base)) as sandbox:
        client = connect(sandbox)
        body = {"name": "Loan", "case_type": "Business", "companies": [COMPANY]}
        company = client.post("/v2/cases", json=body).json()["companies"][0]
        requested = {"company_id": company["company_id"], "company_name": "Several Example Ltd"}
        result = client.post(path, json=requested | {"country_code": "GB"}).json()
        picked = [
            client.post(
                f"{path}/picklist",
                json={"request_id": result["request_id"], "picklist_index": index},
            )
            for index in range(4)
        ]

    items = {item["index"]: item["company_name"] for item in result["picklist"]}
    assert list(items) == [base, base + 1, base + 2]
    assert [response.status_code == 201 for response in picked] == [
        index in items for index in range(4)
    ]
    assert [
        response.json()["company_name"] for response in picked if response.status_code == 201
    ] == list(items.values())
