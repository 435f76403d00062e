"""Decoding of 10,000 bank transactions: this SDK, msgspec, pydantic and cattrs.

Ours is the complete decoding of a response, including the response details on the models. The SDK
checks the first response of a type and one in 64 after it for drift: `steady` is the median of
responses without this check, `mean of 64` the mean of 64 responses including one check.

The rows about odd values compare a report that has one, halfway, with the same report without it.
"""

import statistics
import tracemalloc
from decimal import Decimal
from functools import partial
from typing import Any, Final

import attrs
import msgspec
from _decoders import Decode, cpu, ours
from _measure import Row, at_least, at_most, is_quick, print_table, take_turns
from _pydantic_twins import AccountTransactions as PydanticTwin
from _transactions import as_list, as_report
from cattrs.preconf.json import JsonConverter, make_converter

from sikoia_async.models import Items
from sikoia_async.resources.banking import AccountTransactions, BankTransaction

__all__ = ["compare"]

_CHECK_EVERY: Final = 64


def compare(*, quick: bool) -> list[Row]:
    """Compare the decoders."""
    count = 200 if quick else 10_000
    report, bare_list = as_report(count), as_list(count)
    return [
        *_against_msgspec("report", AccountTransactions, AccountTransactions, report),
        *_against_msgspec("list", Items[BankTransaction], tuple[BankTransaction, ...], bare_list),
        *_against_others(report, rounds=3 if quick else 15),
        *_with_an_odd_value(report, rounds=3 if quick else 15),
    ]


def _against_msgspec(name: str, into: Any, raw_into: Any, body: bytes) -> list[Row]:
    sdk, raw = ours(into), msgspec.json.Decoder(raw_into).decode
    contestants = {"ours": partial(cpu, sdk, body), "msgspec": partial(cpu, raw, body)}
    costs = take_turns(contestants, _CHECK_EVERY)
    our, their = costs["ours"], costs["msgspec"]
    mean = statistics.mean
    held = _retained(sdk, body), _retained(raw, body)
    return [
        at_most(1.1, f"{name}, steady | msgspec", our[1:], their[1:]),
        at_most(1.1, f"{name}, mean of 64 | msgspec", [mean(our)], [mean(their)]),
        at_most(1.1, f"{name}, memory retained | msgspec", [held[0]], [held[1]], "bytes"),
    ]


def _against_others(body: bytes, rounds: int) -> list[Row]:
    contestants: dict[str, Decode] = {
        "ours": ours(AccountTransactions),
        "pydantic": PydanticTwin.model_validate_json,
        "cattrs": _cattrs(),
    }
    _require_equal(*(decode(body) for decode in contestants.values()))
    turns = {name: partial(cpu, decode, body) for name, decode in contestants.items()}
    costs = take_turns(turns, rounds)
    return [
        at_least(5, f"report, steady | {peer}", costs["ours"], costs[peer])
        for peer in ("pydantic", "cattrs")
    ]


def _with_an_odd_value(body: bytes, rounds: int) -> list[Row]:
    name = b'"description": '
    parts = body.split(name)
    middle = len(parts) // 2
    before, after = name.join(parts[:middle]) + name, name.join(parts[middle:])
    bodies = {
        "list for a string": before + b"[" + after.replace(b",", b"],", 1),
        "byte that is not UTF-8": before + b'"\xff' + after[1:],
        "raw control character": before + b'"\t' + after[1:],
        "half of a surrogate pair": before + b'"\\ud800' + after[1:],
    }
    first = {"none": partial(_first, body)}
    first |= {odd: partial(_first, bodies[odd]) for odd in bodies}
    later = {"none": partial(cpu, ours(AccountTransactions), body)}
    later |= {odd: partial(cpu, ours(AccountTransactions), bodies[odd]) for odd in bodies}
    firsts, laters = take_turns(first, rounds), take_turns(later, 3 if rounds == 3 else 16)
    none, mean = laters.pop("none"), statistics.mean
    return [
        *(
            at_most(3, f"first report with a {odd} | without", firsts[odd], firsts["none"])
            for odd in bodies
        ),
        *(
            at_most(3, f"mean of 16 with a {odd} | without", [mean(laters[odd])], [mean(none)])
            for odd in bodies
        ),
    ]


def _first(body: bytes) -> float:
    """Return the CPU time of decoding the first response of a client."""
    return cpu(ours(AccountTransactions), body)


def _cattrs() -> Decode:
    """Return cattrs at its fastest: without detailed errors, and with few hooks."""
    converter: JsonConverter = make_converter(detailed_validation=False)
    converter.register_structure_hook(Decimal, _decimal)
    return lambda body: converter.loads(body, AccountTransactions, parse_float=Decimal)


def _decimal(value: Any, _: object) -> Decimal:
    return Decimal(value)


def _require_equal(ours: AccountTransactions, pydantic: PydanticTwin, cattrs: Any) -> None:
    """Check that all decoders return equal values."""
    if ours != cattrs or attrs.asdict(ours) != pydantic.model_dump():
        msg = "the decoders return different values"
        raise SystemExit(msg)


def _retained(decode: Decode, body: bytes) -> int:
    """Return the bytes that the models retain."""
    decode(body)
    tracemalloc.start()
    models = decode(body)
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    del models
    return held


if __name__ == "__main__":
    print_table(compare(quick=is_quick()))
