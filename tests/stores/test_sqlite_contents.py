"""What the file of `SqliteStores` holds after a client has used it: nothing about anybody."""

import json
from pathlib import Path
from typing import Final

import pytest
from batch.durable import BUYS, Subjects, new_sandbox

from sikoia_async import Quota, ReplayGuard, Router, SpendLimit, spending
from sikoia_async.stores import SqliteStores
from sikoia_async.testing import client_of
from sikoia_async.webhooks import sign

pytestmark = [pytest.mark.anyio, pytest.mark.virtual_time]

WEBHOOK_SECRET: Final = "a-webhook-secret-of-this-test"


def _contents(folder: Path) -> bytes:
    return b"".join(one.read_bytes() for one in folder.iterdir())


@pytest.mark.parametrize("secret", [None, "5f" * 32])
async def test_the_file_holds_nothing_about_anybody(tmp_path: Path, secret: str | None) -> None:
    """No name, number or id of a case, no key of a purchase, no tag, no credential."""
    with new_sandbox() as sandbox:
        of = await Subjects.create(sandbox)
        shared = SqliteStores(tmp_path / "sikoia.db", secret=secret)
        limit = SpendLimit(100, by_tag=True)
        async with client_of(sandbox, shared=shared, quota=Quota(), max_chargeable=limit) as sikoia:
            for operation, buy in BUYS.items():
                with spending(f"canary of {operation}"):
                    await buy.once(sikoia, of, key=f"canary of {operation}")
            router = Router(WEBHOOK_SECRET, replay=ReplayGuard(shared))
            event = {"event_type": "CaseCreated", "data": {"case_id": of.case.case_id}}
            body = json.dumps(event).encode()
            await router.receive(body, sign(body, WEBHOOK_SECRET), feed=sikoia.events.feed)
            contents = _contents(tmp_path)

    canaries = {
        "Wilma", "Acme", "01234567", "99000003", "Several Example", "canary of", WEBHOOK_SECRET,
        sandbox.client_id, sandbox.client_secret, of.case.case_id, str(secret),
    }  # fmt: skip
    assert [one for one in canaries if one.encode() in contents] == []
    assert b"credit_reports.request" in contents
    assert (b"sealed1." in contents) is (secret is not None)
