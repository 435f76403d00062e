"""The example responses of the specification, and their decoding by this SDK.

The operations and their models are those of the contract tests.
"""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import attrs
import httpx
from _decoders import CALL

from sikoia_async._codec.decoder import decode
from sikoia_async._codec.drift import Drift
from sikoia_async._codec.problems import error_from
from sikoia_async._transport.types import Response

sys.path.insert(1, str(Path(__file__).parent.parent / "tests"))
from contract import ENDPOINTS, Endpoint

__all__ = ["ENDPOINTS", "Example", "examples"]

_FIRST_ERROR: Final = 300


@attrs.frozen
class Example:
    """An example response of an operation."""

    endpoint: Endpoint
    status: int
    body: bytes

    @property
    def is_error(self) -> bool:
        """Whether it is an error response."""
        return self.status >= _FIRST_ERROR

    def read(self) -> object:
        """Decode it as a new client does."""
        answer = Response(self.status, httpx.Headers(), self.body)
        if self.is_error:
            return error_from(answer, CALL, retry_after=None, may_have_been_processed=False)
        return decode(answer, self.endpoint.into, CALL, Drift())


def examples() -> Iterator[Example]:
    """Yield all example responses that are JSON."""
    for one in ENDPOINTS:
        for status, answer in one.operation.responses.items():
            if "example" in answer and one.into is not bytes:
                yield Example(one, status, json.dumps(answer["example"], default=str).encode())
