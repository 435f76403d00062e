"""The decoding of this SDK, and the cost of a decoder."""

import time
from collections.abc import Callable
from typing import Any, Final

import httpx

from sikoia_async._codec.decoder import decode
from sikoia_async._codec.drift import Drift
from sikoia_async._transport.types import Response
from sikoia_async.errors import Attempt, CallInfo

__all__ = ["CALL", "Decode", "cpu", "ours"]

CALL: Final = CallInfo(
    method="GET",
    path="/v2/bankaccounts/{account_connection_id}/transactions",
    url="https://127.0.0.1/v2/bankaccounts/132d3353-ad29-46e0-b66a-caed8b572e93/transactions",
    correlation_id="9a518655-9572-43fa-b747-b282ca41365e",
    sent_correlation_id="9a518655-9572-43fa-b747-b282ca41365e",
    attempts=(Attempt(status=200, error=None, waited=0.0, seconds=0.25),),
    seconds=0.25,
)

Decode = Callable[[bytes], Any]


def ours(into: Any) -> Decode:
    """Return the SDK's decoder, in the state of a new client."""
    drift, headers = Drift(), httpx.Headers({"Content-Type": "application/json"})
    return lambda body: decode(Response(200, headers, body), into, CALL, drift)


def cpu(decode: Decode, body: bytes, times: int = 1) -> float:
    """Return the CPU time of decoding."""
    start = time.process_time()
    for _ in range(times):
        decode(body)
    return (time.process_time() - start) / times
