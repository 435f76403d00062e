"""This SDK compared with the client that openapi-python-client generates from the specification.

The client is generated for each run. If it cannot do something, the table has the reason instead
of a figure.
"""

import asyncio
import json
import statistics
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from functools import partial
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from typing import Any, Final

import attrs
from _calls import Call, Wire, cpu
from _children import environment, printed, seconds
from _decoders import Decode, ours
from _decoders import cpu as decoding_cpu
from _examples import ENDPOINTS, Example, examples
from _generator import PACKAGE, Missing, Peer, generated, refusal
from _income import DETAILS, REPORT, income_bodies
from _measure import (
    Costs,
    Row,
    Unit,
    at_least,
    at_most,
    counted,
    is_quick,
    print_table,
    race,
    shown,
    take_turns,
)
from _transactions import as_list, as_report
from server import CASE_ID, TOKEN, running

import sikoia_async.resources
from sikoia_async import Items, Sikoia
from sikoia_async.environments import local
from sikoia_async.resources.banking import AccountTransactions, BankTransaction
from sikoia_async.resources.income import IncomeDetails, IncomeReport

__all__ = ["compare"]

_Call = Callable[[], Coroutine[Any, Any, object]]

_ROUNDS: Final = 15
_FEW_ROUNDS: Final = 5
_SDK: Final = Path(sikoia_async.__file__).parent
_RESOURCES: Final = tuple(
    one.name
    for one in iter_modules(sikoia_async.resources.__path__)
    if not one.name.startswith("_")
)
_HEADERS: Final = {"Accept": "application/json", "Content-Type": "application/json"}
"""What the API asks for with each request, and the generated client does not send by itself."""
_OURS: Final = "from sikoia_async import Sikoia; sikoia = Sikoia('id', 'secret')"
_TIMES: Final = 64
"""How often a small body is decoded in a round: once in that many, an answer is looked at."""
_TRANSACTIONS: Final = "/v2/bankaccounts/{account_connection_id}/transactions"
_CASE: Final = "/v2/cases/{case_id}"


def compare(*, quick: bool) -> list[Row]:
    """Compare both, if the specification and the generator are available."""
    rounds = 1 if quick else _ROUNDS
    try:
        with generated() as peer:
            return [
                *_sizes(peer),
                *_operations(peer),
                *_examples(peer),
                *_imports(peer, rounds),
                *(_decoded(one, rounds) for one in _decodings(peer, 200 if quick else 10_000)),
                *_calls(peer, rounds),
            ]
    except Missing as missing:
        print(f"No comparison with a generated client: {missing}.", file=sys.stderr)
        return []


def _sizes(peer: Peer) -> Iterator[Row]:
    theirs = _python(peer.folder)
    for name, files in (
        ("resources", _python(_SDK / "resources")),
        ("SDK without its sandbox", _python(_SDK, but="sandbox")),
    ):
        yield counted(f"lines: {name} | generated", _lines(files), _lines(theirs))
        yield counted(f"files: {name} | generated", len(files), len(theirs))


def _python(folder: Path, but: str = "") -> list[Path]:
    """Return the modules in a folder, except those in one of its subfolders."""
    return [one for one in folder.rglob("*.py") if but not in one.relative_to(folder).parts]


def _lines(files: Sequence[Path]) -> int:
    return sum(len(one.read_text("utf-8").splitlines()) for one in files)


def _operations(peer: Peer) -> Iterator[Row]:
    had = sum((one.method, one.path) in peer.modules for one in ENDPOINTS)
    yield counted("operations | generated", len(ENDPOINTS), had)
    yield Row("  warnings of the generator", "-", str(peer.complaints))


def _examples(peer: Peer) -> Iterator[Row]:
    """Count the examples of the specification that each understands, and the reasons otherwise."""
    for name, is_error in (("answers", False), ("errors", True)):
        found = [one for one in examples() if one.is_error == is_error]
        by_ours = [refusal(one.read) for one in found]
        by_theirs = [refusal(partial(_their_reading, peer, one)) for one in found]
        what = f"{name} examples understood, of {len(found)} | generated"
        yield counted(what, by_ours.count(None), by_theirs.count(None))
        why, why_not_ours = Counter(by_theirs), Counter(by_ours)
        for reason in sorted({one for one in (*why, *why_not_ours) if one}):
            yield Row(f"  not understood: {reason}", str(why_not_ours[reason]), str(why[reason]))


def _their_reading(peer: Peer, example: Example) -> object:
    one = example.endpoint
    return peer.read(one.method, one.path, example.status, example.body)


def _imports(peer: Peer, rounds: int) -> Iterator[Row]:
    names = [f"sikoia_async.resources.{name}" for name in _RESOURCES]
    theirs = f"from {PACKAGE} import AuthenticatedClient"
    module = f"import {peer.modules['GET', '/v2/cases']}"
    whole = {
        "": "",
        "ours": f"from sikoia_async import Sikoia; import {', '.join(names)}",
        "generated": f"{theirs}; import {', '.join(peer.modules.values())}",
    }
    first = {name: _timed(_OURS, f"sikoia.{name}") for name in _RESOURCES}
    first["one module"] = _timed(theirs, module)
    with tempfile.TemporaryDirectory() as compiled:
        surroundings = {**environment(compiled), "PYTHONPATH": str(peer.folder.parent)}
        spent = {
            **race(
                {name: partial(seconds, one, surroundings) for name, one in whole.items()}, rounds
            ),
            **take_turns(
                {name: partial(printed, one, surroundings) for name, one in first.items()},
                min(rounds, _FEW_ROUNDS),
            ),
        }
    yield from _import_rows(spent)


def _timed(before: str, source: str) -> str:
    """Return a program that prints the time that a piece of source takes."""
    return (
        f"import time; {before}; began = time.perf_counter(); {source};"
        "print(time.perf_counter() - began)"
    )


def _import_rows(spent: Mapping[str, Costs]) -> Iterator[Row]:
    python = statistics.median(spent[""])
    net = {name: [one - python for one in spent[name]] for name in ("ours", "generated")}
    what = "import, all resources | generated, all its API"
    yield at_most(None, what, spent["ours"], spent["generated"])
    yield at_most(None, "  without interpreter start-up", net["ours"], net["generated"])
    slowest = max(_RESOURCES, key=lambda name: statistics.median(spent[name]))
    what = f"first use of the slowest resource, {slowest} | one API module"
    yield at_most(None, what, spent[slowest], spent["one module"])


@attrs.frozen
class _Decoding:
    """A body, and how each decodes it."""

    what: str
    ours: Decode
    generated: Decode
    body: bytes
    times: int = 1
    """How often in a round."""

    @property
    def unit(self) -> Unit:
        """The unit of the times."""
        return "s" if self.times == 1 else "s/call"


def _decodings(peer: Peer, count: int) -> Iterator[_Decoding]:
    what = f"decode {count:,} transactions"
    generated = partial(peer.read, "GET", _TRANSACTIONS, 200)
    yield _Decoding(what, ours(AccountTransactions), generated, as_report(count))
    listed = as_list(count)
    sdk, generated = ours(Items[BankTransaction]), partial(_each, peer, "AccountTransactions")
    yield _Decoding("  as a bare list", sdk, generated, listed)
    what = "  as a bare list, without null objects"
    yield _Decoding(what, sdk, generated, _without_nulls(listed))
    bodies = asyncio.run(income_bodies())
    for what, path, into in (
        ("decode an income report", REPORT, IncomeReport),
        ("decode the details of an income report", DETAILS, IncomeDetails),
    ):
        generated = partial(peer.read, "GET", path, 200)
        yield _Decoding(what, ours(into), generated, bodies[path], _TIMES)


def _decoded(one: _Decoding, rounds: int) -> Row:
    """Compare both, or measure only ours if the other cannot decode the body."""
    what, unit = f"{one.what} | generated", one.unit
    sdk = partial(decoding_cpu, one.ours, one.body, one.times)
    if refused := refusal(partial(one.generated, one.body)):
        return Row(what, shown(race({"ours": sdk}, rounds)["ours"], unit), refused)
    generated = partial(decoding_cpu, one.generated, one.body, one.times)
    costs = race({"ours": sdk, "generated": generated}, rounds)
    return at_least(None, what, costs["ours"], costs["generated"], unit)


def _each(peer: Peer, model: str, body: bytes) -> object:
    """Decode a list like the generated functions: plain Python, and a model for each item."""
    return [peer.model(model).from_dict(one) for one in json.loads(body)]


def _without_nulls(body: bytes) -> bytes:
    """Remove the fields of the items that are null."""
    return json.dumps(
        [
            {name: value for name, value in item.items() if value is not None}
            for item in json.loads(body)
        ]
    ).encode()


def _calls(peer: Peer, rounds: int) -> Iterator[Row]:
    with running() as address, asyncio.Runner() as runner:
        wire = Wire(runner, address.http, address.ca_file)
        sikoia = Sikoia("id", "secret", environment=local(wire.url), tls=wire.ca_file, quota=None)
        client = import_module(PACKAGE).AuthenticatedClient(
            base_url=wire.url, token=TOKEN, headers=_HEADERS
        )
        try:
            for what, sdk, generated in (
                ("20 cases", sikoia.cases.list, partial(_call, peer, client, "/v2/cases")),
                (
                    "one case",
                    partial(sikoia.cases.retrieve, CASE_ID),
                    partial(_call, peer, client, _CASE, CASE_ID),
                ),
            ):
                yield _called(wire, f"CPU per call, {what} | generated", sdk, generated, rounds)
        finally:
            runner.run(sikoia.aclose())
            runner.run(client.get_async_httpx_client().aclose())


async def _call(peer: Peer, client: Any, path: str, *ids: str) -> object:
    return await peer.module("GET", path).asyncio(*ids, client=client)


def _called(
    wire: Wire,
    what: str,
    sdk: Call,
    generated: _Call,
    rounds: int,
) -> Row:
    answers = list[object]()
    refused = refusal(lambda: answers.append(wire.runner.run(generated())))
    turns = {"ours": partial(cpu, wire, sdk, 1), "generated": partial(cpu, wire, generated, 1)}
    if refused:
        return Row(what, shown(race({"ours": turns["ours"]}, rounds)["ours"], "s/call"), refused)
    costs = race(turns, rounds)
    gives = ", which returns None" if answers == [None] else ""
    return at_most(None, what + gives, costs["ours"], costs["generated"], "s/call")


if __name__ == "__main__":
    if rows := compare(quick=is_quick()):
        print_table(rows)
