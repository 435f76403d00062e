"""One process of test_faults.py: calls the API as often as the shared rate limit allows.

    python worker.py URL STORE LIMIT PER

It says `ready` and waits for a line. Then it prints the type of each error, and `done` at the end
of its input.
"""

import asyncio
import sys

from sikoia_async import Quota, Sikoia, local
from sikoia_async.stores import RedisStores, SqliteStores, Stores

TASKS = 3


def _stores(at: str) -> Stores:
    return RedisStores.from_url(at) if at.startswith("redis:") else SqliteStores(at)


async def _main(url: str, at: str, limit: str, per: str) -> None:
    async with Sikoia(
        token="test",
        environment=local(url),
        shared=_stores(at),
        quota=Quota(int(limit), per=float(per), peers=2),
        retries=0,
        timeout=20,
    ) as sikoia:

        async def calls() -> None:
            while True:
                try:
                    await sikoia.request("GET", "/v2/cases")
                except Exception as error:  # noqa: BLE001 - the test says which may happen
                    print(type(error).__name__, flush=True)
                    await asyncio.sleep(0.1)

        print("ready", flush=True)
        await asyncio.to_thread(sys.stdin.readline)
        flood = [asyncio.create_task(calls()) for _ in range(TASKS)]
        await asyncio.to_thread(sys.stdin.readline)
        for task in flood:
            task.cancel()
        await asyncio.gather(*flood, return_exceptions=True)
    print("done", flush=True)


if __name__ == "__main__":
    asyncio.run(_main(*sys.argv[1:]))
