"""Purchases whose process is killed between any two steps: never bought twice, never lost.

A step is a change of the journal or a request; the client is dead before it or after it. The same
key then buys in another client, on the same journal and the same local Sikoia.
"""

from contextlib import suppress
from typing import Any

import pytest
from batch.durable import BUYS, Buy, Killed, Power, Subjects, connect, new_sandbox, new_store

from sikoia_async import PurchaseInDoubtError
from sikoia_async.batch.classes import LISTED, UNLISTED
from sikoia_async.sandbox import Wire
from sikoia_async.stores import PurchaseStore
from sikoia_async.testing import MemorySandbox

pytestmark = [pytest.mark.anyio, pytest.mark.virtual_time]

_KEYED = Wire(idempotency_header="Idempotency-Key")
_CONFLICTING = Wire(idempotency_header="Idempotency-Key", idempotency_reuse="conflict")


async def bought(
    buy: Buy, sandbox: MemorySandbox, of: Subjects, *power: Any, **options: Any
) -> Any:
    """Buy once in a client of its own; return the result, or the error that says it is in doubt."""
    async with connect(sandbox, *power, **options) as sikoia:
        try:
            return await buy.once(sikoia, of)
        except PurchaseInDoubtError as error:
            return error


async def killed(
    buy: Buy,
    sandbox: MemorySandbox,
    of: Subjects,
    store: PurchaseStore,
    cut_at: int,
    **options: Any,
) -> bool:
    """Buy in a client that is killed at a step; return whether it came so far."""
    power = Power(cut_at)
    with suppress(Killed):
        await bought(buy, sandbox, of, store, power, **options)
    return power.is_cut


def is_gone(result: object) -> bool:
    """Return whether a purchase was made, and its result cannot be fetched again."""
    return "cannot return its result again" in str(result)


def is_result(result: object) -> bool:
    """Return whether a purchase has a result."""
    return result is not None and not isinstance(result, PurchaseInDoubtError)


@pytest.mark.parametrize("operation", LISTED)
async def test_what_sikoia_lists_is_bought_once_wherever_it_was_cut(operation: str) -> None:
    """The next client adopts what was requested, or buys what was not."""
    buy = BUYS[operation]
    with new_sandbox() as sandbox:
        cut_at, was_cut = -1, True
        while was_cut:
            cut_at += 1
            of, store = await Subjects.create(sandbox), new_store()
            since = len(sandbox.ledger)
            was_cut = await killed(buy, sandbox, of, store, cut_at)
            assert is_result(await bought(buy, sandbox, of, store)), cut_at
            assert is_result(await bought(buy, sandbox, of, store)), cut_at
            assert buy.times(sandbox, since) == 1, cut_at
        sandbox.ledger.assert_nothing_charged_twice()
    assert cut_at > 4


@pytest.mark.parametrize("operation", UNLISTED)
async def test_what_sikoia_does_not_list_is_never_bought_twice(operation: str) -> None:
    """The next client buys what has no intent, and leaves the rest in doubt."""
    buy = BUYS[operation]
    with new_sandbox() as sandbox:
        doubts = 0
        cut_at, was_cut = -1, True
        while was_cut:
            cut_at += 1
            of, store = await Subjects.create(sandbox), new_store()
            since = len(sandbox.ledger)
            was_cut = await killed(buy, sandbox, of, store, cut_at)
            results = [await bought(buy, sandbox, of, store) for _ in range(2)]
            times = buy.times(sandbox, since)
            doubts += not is_result(results[0])
            assert times <= 1, cut_at
            assert times == 1 or not is_result(results[0]), cut_at
    assert cut_at > 3
    assert doubts


@pytest.mark.parametrize("wire", [_KEYED, _CONFLICTING], ids=["replay", "conflict"])
@pytest.mark.parametrize("operation", sorted(BUYS.keys() - {"reports.excel"}))
async def test_with_an_idempotency_key_it_is_bought_once(operation: str, wire: Wire) -> None:
    """The next client sends the same key again. A workbook is a GET, for which keys do nothing."""
    buy = BUYS[operation]
    with new_sandbox(wire=wire) as sandbox:
        cut_at, was_cut = -1, True
        while was_cut:
            cut_at += 1
            of, store = await Subjects.create(sandbox), new_store()
            since = len(sandbox.ledger)
            options = {"idempotency_header": wire.idempotency_header}
            was_cut = await killed(buy, sandbox, of, store, cut_at, **options)
            result = await bought(buy, sandbox, of, store, **options)
            assert buy.times(sandbox, since) == 1, cut_at
            if buy.operation in LISTED or (was_cut and wire is _KEYED):
                assert is_result(result) or is_gone(result), cut_at
