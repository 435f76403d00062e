"""Bodies of uploads, decoded as the server will."""

import json
from collections.abc import AsyncGenerator
from typing import Any

import anyio

from sikoia_async._files.upload import upload_body
from sikoia_async._transport.stopwatch import Stopwatch

__all__ = ["pieces", "uploaded"]


async def uploaded(file: Any, *, limit: int = 1 << 20, **fields: Any) -> Any:
    """Encode an upload, and decode it as the server will."""
    body = {"file": file, "document_type": None, "display_name": None, "file_name": None} | fields
    encoded = await upload_body(body, Stopwatch(anyio.current_time, "file"), 10, limit)
    assert encoded is not None
    return json.loads(b"".join(encoded))


async def pieces(*given: Any) -> AsyncGenerator[Any]:
    """Yield each piece after a checkpoint."""
    for piece in given:
        await anyio.lowlevel.checkpoint()
        yield piece
