"""The specification's own examples: each answer is understood, and each request can be sent."""

import json
from types import GenericAlias
from typing import Any, get_args

import contract
import httpx
import pytest
from contract import ENDPOINTS, Endpoint

from sikoia_async._codec.decoder import decode
from sikoia_async._codec.drift import Drift
from sikoia_async._codec.loader import load_hook
from sikoia_async._codec.problems import error_from
from sikoia_async._transport.types import Response
from sikoia_async.errors import CallInfo

# In what form the examples may be that the schemas do not allow. Their authors' tool has written
# most numbers, truths and lists as text, and a word where there is no example.
FORMS = (", got a string", ", got another format", ", got an empty string", "unreadable")
# Examples with a value that their own schema or description does not have.
UNKNOWN_VALUES = {
    "Owner.owner_type: unknown value": "user, for User",
    "VerifiedIncome.pay_frequencies[]: unknown value": "a list in one text",
    "IntegrityCheck.status: unknown value": "Pass, for Pending, Processing, Complete or Failed",
    "RegistryReport.status: unknown value": "the word string",
    "RegistryData.status: unknown value": "the word string",
    "CreditReport.status: unknown value": "the word string",
}
# Examples whose type is not that of their status, which decides.
TYPES = {(409, "UnprocessableRequest"): "ConflictError", (500, "string"): "ServerError"}
EXAMPLES = [
    pytest.param(one, status, answer["example"], id=f"{contract.ids(one)}-{status}")
    for one in ENDPOINTS
    for status, answer in one.operation.responses.items()
    if "example" in answer and one.into is not bytes
]


@pytest.mark.parametrize(("endpoint", "status", "example"), EXAMPLES)
def test_examples_are_understood(endpoint: Endpoint, status: int, example: Any) -> None:
    """Each example becomes its model, or the error that bears the name of its type."""
    answer = Response(status, httpx.Headers(), json.dumps(example, default=str).encode())
    call = CallInfo(
        method=endpoint.method, path=endpoint.path, url="", correlation_id="", attempts=(),
        sent_correlation_id="", seconds=0.0,
    )  # fmt: skip
    if status < 300:
        drift = Drift()
        assert decode(answer, endpoint.into, call, drift)
        assert unexplained(drift) == []
    else:
        error = error_from(answer, call, retry_after=None, may_have_been_processed=False)
        by_type = example["type"].removesuffix("Error") + "Error"
        assert type(error).__name__ == TYPES.get((status, example["type"]), by_type)
        assert error.detail == example["detail"]
        assert error.correlation_id == example["correlation_id"]


def unexplained(drift: Drift) -> list[str]:
    """Return what differed in another way than examples may."""
    kinds = {one: one.partition(": ")[2] for one in drift}
    return [one for one in drift if not kinds[one].endswith(FORMS) and one not in UNKNOWN_VALUES]


def test_the_unknown_values_are_still_there() -> None:
    """An example that has been mended in the specification goes from the table."""
    seen = Drift()
    for endpoint in ENDPOINTS:
        for into, answer in endpoint.successes:
            if "example" in answer and into is not bytes:
                rows = GenericAlias(tuple, (get_args(into)[0], ...)) if get_args(into) else into
                load_hook(rows)(json.dumps(answer["example"], default=str).encode(), seen)

    assert UNKNOWN_VALUES.keys() <= seen.keys()
