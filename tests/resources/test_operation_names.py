"""The table of operations, compared with the specification and with what the methods send."""

import inspect
import re
from collections import defaultdict

import httpx
import pytest
import spec
from contract import ENDPOINTS

from sikoia_async import Sikoia
from sikoia_async._calls.operations import OPERATIONS, operation_name

BUYING = re.compile(r"_api\.(buy|workbook|save_workbook)\(")
TOKENS = ("POST", "/token")
"""Not called by a resource."""


def test_the_table_has_every_operation_of_the_specification() -> None:
    """And no other, each once."""
    called = [(one.method, one.path) for one in OPERATIONS]

    assert sorted(called) == sorted(spec.operations().keys() - {TOKENS})
    assert len({one.name for one in OPERATIONS}) == len(OPERATIONS)


def test_operations_are_named_after_the_methods_that_call_them() -> None:
    """Method and path are those that the method sends, and what may cost money is marked."""
    sent = defaultdict[tuple[str, str], set[tuple[str, bool]]](set)
    for one in ENDPOINTS:
        buys = BUYING.search(inspect.getsource(inspect.unwrap(one.function))) is not None
        sent[one.method, one.path].add((f"{one.resource}.{one.name}", buys))

    assert sent.keys() == {(one.method, one.path) for one in OPERATIONS}
    for operation in OPERATIONS:
        assert (operation.name, operation.may_cost) in sent[operation.method, operation.path]
        assert {buys for _, buys in sent[operation.method, operation.path]} == {operation.may_cost}


def test_an_operation_that_the_sdk_does_not_know_is_named_by_its_path() -> None:
    """So that nothing that was sent is missing in `spend`."""
    assert operation_name("POST", "/v2/new-things") == "POST /v2/new-things"


@pytest.mark.anyio
@pytest.mark.parametrize("path", ["/v2/identity", "/v2/new-things"])
async def test_calls_of_request_are_counted_by_operation(path: str) -> None:
    """The same operation has one name, whichever method calls it."""
    transport = httpx.MockTransport(lambda _: httpx.Response(200, json={}))
    async with Sikoia(token="t", transport=transport) as sikoia:
        await sikoia.request("POST", path, chargeable=True)

        assert dict(sikoia.spend) == {operation_name("POST", path): 1}
