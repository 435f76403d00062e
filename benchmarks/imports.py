"""The start-up cost of a new process: the import, the first client, and the first model.

Whole child processes are timed, because that is what users wait for; a second ratio excludes the
start-up of the interpreter. They run in an environment with nothing else installed. Later clients
of a process are timed inside it.
"""

import statistics
import tempfile
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Final

import attrs
from _children import environment, printed, seconds
from _clean import clean_python
from _measure import Row, at_most, is_quick, print_table, take_turns
from server import running

__all__ = ["compare"]

_ROUNDS: Final = 15

_FIRST_MODEL: Final = """
import asyncio, sys
from sikoia_async import Sikoia
from sikoia_async.environments import local

async def main(url, ca_file):
    {}
    async with Sikoia("id", "secret", environment=local(url), tls=tls) as sikoia:
        case = await sikoia.cases.retrieve("64cd8202-2db4-44d5-85be-79438d65eb7b")
        assert case.companies[0].company_name

asyncio.run(main(*sys.argv[1:]))
"""
_FIRST_JSON: Final = """
import asyncio, ssl, sys
import httpx

async def main(url, ca_file):
    {}
    async with httpx.AsyncClient(base_url=url, verify=tls) as client:
        form = dict(grant_type="client_credentials", client_id="id", client_secret="secret")
        token = (await client.post("/token", data=form)).json()["access_token"]
        headers = dict(Authorization=f"Bearer {{token}}")
        path = "/v2/cases/64cd8202-2db4-44d5-85be-79438d65eb7b"
        case = (await client.get(path, headers=headers)).json()
        assert case["companies"][0]["company_name"]

asyncio.run(main(*sys.argv[1:]))
"""
_OWN_FILE: Final = "tls = ca_file"
_OWN_AUTHORITY: Final = "tls = ssl.create_default_context(cafile=ca_file)"
_PUBLIC_AUTHORITIES: Final = """
    import certifi, ssl
    tls = ssl.create_default_context(cafile=certifi.where())
    tls.load_verify_locations(ca_file)
"""
"""What production needs, and the authority of the server on loopback."""

_ENTERED: Final = """
import asyncio
{}

async def main():
    async with {}:
        pass

asyncio.run(main())
"""

_NEXT_CLIENTS: Final = """
import time
{}
first = {}
start = time.perf_counter()
for _ in range(20):
    {}
print(time.perf_counter() - start)
"""

_HELP: Final = """
import os, sys
from contextlib import suppress
from sikoia_async.cli.main import main
with open(os.devnull, "w") as sys.stdout, suppress(SystemExit):
    main({})
"""


@attrs.frozen
class _Race:
    """Two programs with the same result, and the target for the ratio of their times."""

    what: str
    ours: str
    peer: str
    target: float | None
    time: Callable[..., float] = seconds
    """Returns the time of a program."""


_RACES: Final = (
    _Race(
        "from sikoia_async import Sikoia | import httpx",
        "from sikoia_async import Sikoia",
        "import httpx",
        1.15,
    ),
    _Race(
        "first Sikoia(...) | httpx.AsyncClient()",
        "from sikoia_async import Sikoia; Sikoia('id', 'secret')",
        "import httpx; httpx.AsyncClient()",
        0.8,
    ),
    _Race(
        "the same, with async with | httpx.AsyncClient()",
        _ENTERED.format("from sikoia_async import Sikoia", "Sikoia('id', 'secret')"),
        _ENTERED.format("import httpx", "httpx.AsyncClient()"),
        None,
    ),
    _Race(
        "20 more Sikoia(...) | httpx.AsyncClient()",
        _NEXT_CLIENTS.format("from sikoia_async import Sikoia", *["Sikoia('id', 'secret')"] * 2),
        _NEXT_CLIENTS.format("import httpx", *["httpx.AsyncClient()"] * 2),
        0.8,
        printed,
    ),
    _Race(
        "https, token, first model | json()",
        _FIRST_MODEL.format(_OWN_FILE),
        _FIRST_JSON.format(_OWN_AUTHORITY),
        1.1,
    ),
    _Race(
        "the same with public authorities | json()",
        _FIRST_MODEL.format(_PUBLIC_AUTHORITIES),
        _FIRST_JSON.format(_PUBLIC_AUTHORITIES),
        None,
    ),
    _Race("import sikoia_async | import httpx", "import sikoia_async", "import httpx", None),
    _Race("sikoia --help | import httpx", _HELP.format(["--help"]), "import httpx", 1.0),
    _Race(
        "sikoia cases list --help | import httpx",
        _HELP.format(["cases", "list", "--help"]),
        "import httpx",
        None,
    ),
)


def compare(*, quick: bool) -> list[Row]:
    """Time the programs of all races."""
    rounds = 2 if quick else _ROUNDS
    with running() as address, tempfile.TemporaryDirectory() as folder:
        surroundings = environment(str(Path(folder) / "compiled"))
        python = clean_python(str(Path(folder) / "environment"))
        programs = {"": seconds, **{one: race.time for race in _RACES for one in _both(race)}}
        arguments = (surroundings, address.https, address.ca_file)
        contestants = {
            source: partial(time, source, *arguments, python=python)
            for source, time in programs.items()
        }
        take_turns(contestants, 1)  # compiles all modules
        spent = take_turns(contestants, rounds)
    return [row for race in _RACES for row in _rows(race, spent)]


def _rows(race: _Race, spent: Mapping[str, Sequence[float]]) -> tuple[Row, ...]:
    ours, peer = spent[race.ours], spent[race.peer]
    whole = at_most(race.target, race.what, ours, peer)
    if race.time is not seconds:
        return (whole,)
    python = statistics.median(spent[""])
    net_ours, net_peer = [one - python for one in ours], [one - python for one in peer]
    return whole, at_most(None, "  without interpreter start-up", net_ours, net_peer)


def _both(race: _Race) -> tuple[str, str]:
    return race.ours, race.peer


if __name__ == "__main__":
    print_table(compare(quick=is_quick()))
