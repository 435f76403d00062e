"""`sikoia call GET /v2/cases`: any request to the API, with everything that other commands do."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Final

from sikoia_async.cli.options import add_chargeable, add_client, add_output

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sikoia_async.cli.parser import Parser

__all__ = ["configure"]

_ABOUT: Final = (
    "Call any endpoint. Without --reveal, the values of the response are *** but for ids, switches "
    "and words such as a status, because this command does not know which are personal data. "
    "It asks before a request that may cost money, also before one that this version does not "
    "know, unless it is a GET."
)


def configure(parser: Parser, _words: Sequence[str]) -> None:
    """Add the arguments of the command."""
    parser.description = _ABOUT
    parser.add_argument("method", type=_method, help="GET, POST, PUT, PATCH or DELETE")
    parser.add_argument("path", help="an absolute path, such as /v2/cases")
    parser.add_argument(
        "--query",
        action="append",
        default=[],
        type=_pair,
        metavar="NAME=VALUE",
        help="a parameter of the query; can be repeated",
    )
    parser.add_argument(
        "--body",
        metavar="JSON",
        help="the body: a JSON object, @ and the name of a file of JSON, or - for standard input",
    )
    parser.add_argument(
        "--curl", action="store_true", help="print the request as a curl command, and send nothing"
    )
    parser.add_argument(
        "--out", metavar="PATH", help="write the body of the response to a file, as it is"
    )
    add_output(parser, ("table", "json", "jsonl"))
    add_client(parser)
    add_chargeable(parser)
    parser.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> int:
    from sikoia_async.cli.api.call import run  # noqa: PLC0415 - not loaded for the help

    return run(options)


def _method(value: str) -> str:
    if value.upper() not in {"GET", "POST", "PUT", "PATCH", "DELETE"}:
        msg = "expected GET, POST, PUT, PATCH or DELETE"
        raise argparse.ArgumentTypeError(msg)
    return value.upper()


def _pair(value: str) -> tuple[str, str]:
    name, equals, rest = value.partition("=")
    if not name or not equals:
        msg = "expected NAME=VALUE"
        raise argparse.ArgumentTypeError(msg)
    return name, rest
