"""The examples of responses in the specification: each becomes its model or its error."""

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

# How the examples may deviate from their schemas. They were generated, with most numbers, booleans
# and lists as strings, and with a word if there is no example.
FORMS = (
    ", got a string",
    ", got another format",
    ", got an empty string",
    ", got no time zone",
    "unreadable",
)
# Examples with a value that their own schema or description does not have.
UNKNOWN_VALUES = {
    "CaseOwner.owner_type: unknown value": "user, for User",
    "VerifiedIncome.pay_frequencies[]: unknown value": "a list in one string",
    "IntegrityCheck.status: unknown value": "Pass, for Pending, Processing, Complete or Failed",
    "RegistryReport.status: unknown value": "the word string",
    "RegistryData.status: unknown value": "the word string",
    "CreditReport.status: unknown value": "the word string",
}
# Examples whose type does not fit their status, which takes precedence.
TYPES = {(409, "UnprocessableRequest"): "ConflictError", (500, "string"): "ServerError"}
EXAMPLES = [
    pytest.param(one, status, media["example"], id=f"{contract.ids(one)}-{status}")
    for one in ENDPOINTS
    for status, media in one.operation.responses.items()
    if "example" in media and one.into is not bytes
]


@pytest.mark.parametrize(("endpoint", "status", "example"), EXAMPLES)
def test_examples_can_be_decoded(endpoint: Endpoint, status: int, example: Any) -> None:
    """Each example becomes its model, or the error named after its type."""
    response = Response(status, httpx.Headers(), json.dumps(example, default=str).encode())
    call = CallInfo(
        method=endpoint.method, path=endpoint.path, url="", correlation_id="", attempts=(),
        sent_correlation_id="", seconds=0.0,
    )  # fmt: skip
    if status < 300:
        drift = Drift()
        assert decode(response, endpoint.into, call, drift)
        assert unexplained(drift) == []
    else:
        error = error_from(response, call, retry_after=None, may_have_been_processed=False)
        by_type = example["type"].removesuffix("Error") + "Error"
        assert type(error).__name__ == TYPES.get((status, example["type"]), by_type)
        assert error.detail == example["detail"]
        assert error.correlation_id == example["correlation_id"]


def unexplained(drift: Drift) -> list[str]:
    """Return the deviations that are not among the known ones."""
    problems = {one: one.partition(": ")[2] for one in drift}
    return [one for one in drift if not problems[one].endswith(FORMS) and one not in UNKNOWN_VALUES]


def test_the_table_has_no_outdated_values() -> None:
    """A value that is fixed in the specification has to be removed from the table."""
    seen = Drift()
    for endpoint in ENDPOINTS:
        for into, media in endpoint.successes:
            if "example" in media and into is not bytes:
                rows = GenericAlias(tuple, (get_args(into)[0], ...)) if get_args(into) else into
                load_hook(rows)(json.dumps(media["example"], default=str).encode(), seen)

    assert UNKNOWN_VALUES.keys() <= seen.keys()
