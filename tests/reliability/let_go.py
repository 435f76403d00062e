"""Creates, uses and deletes a client, and reports objects that still hold its secrets.

A script, run by a test: `python let_go.py asyncio`.
"""

import gc
import json
import os
import sys
from pathlib import Path
from typing import Any
from uuid import uuid4

import anyio

sys.path[:0] = [str(Path(__file__).parents[1]), str(Path(__file__).parents[2])]

from faults import answer, client, serve  # noqa: E402 - found by the line above
from reliability.harness import ask  # noqa: E402


async def _use(token: str, secret: str) -> None:
    async def script(peer: Any) -> None:
        while True:
            request = await peer.request()
            grant = json.dumps({"access_token": token, "expires_in": 3600}).encode()
            await peer.send(answer(body=grant if b"POST /token" in request else b"[]"))

    async with serve(script) as server:
        sikoia = client(server.url, token=None, client_id="an-id", client_secret=secret)
        async with sikoia:
            await ask(sikoia)
        del sikoia
        await anyio.lowlevel.checkpoint()


async def _held() -> list[str]:
    token, secret = f"live-{uuid4()}", f"live-{uuid4()}"
    await _use(token, secret)
    gc.collect()
    here = {id(token), id(secret)}
    return [
        type(holder).__name__
        for holder in gc.get_objects()
        for one in gc.get_referents(holder)
        if isinstance(one, str | bytes) and id(one) not in here and _has(one, token, secret)
    ]


def _has(text: str | bytes, *needles: str) -> bool:
    if isinstance(text, bytes):
        return any(needle.encode() in text for needle in needles)
    return any(needle in text for needle in needles)


if __name__ == "__main__":
    sys.stdout.write(f"{', '.join(anyio.run(_held, backend=sys.argv[1])) or 'nobody'}\n")
    sys.stdout.flush()
    # Python 3.12.1 may not come to an end after its objects were looked through.
    os._exit(0)
