"""The commands of a resource, such as `sikoia cases list`: their arguments and their help."""

from __future__ import annotations

import argparse
import shutil
import textwrap
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from sikoia_async._export.paths import lists_in
from sikoia_async.cli.api.docstrings import about_id, about_list
from sikoia_async.cli.api.names import ENTITIES, LINKS
from sikoia_async.cli.api.signatures import methods_of
from sikoia_async.cli.api.types import day, known
from sikoia_async.cli.options import add_chargeable, add_client, add_output, at_least, duration
from sikoia_async.cli.parser import Command, add_commands, choice, complete_with, number, seconds

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sikoia_async.cli.api.signatures import Method, Parameter
    from sikoia_async.cli.parser import Parser

__all__ = ["configure"]

_WIDTH: Final = 100


def configure(parser: Parser, words: Sequence[str]) -> None:
    """Add the commands of the resource that the parser is for."""
    resource = parser.prog.split()[-1].replace("-", "_")
    commands = {
        method.command: Command(
            f"{method.about.summary}{' (may cost money)' if method.may_cost else ''}",
            partial(_configure, method),
        )
        for method in methods_of(resource)
    }
    add_commands(parser, commands, words)


def _configure(method: Method, parser: Parser, _words: Sequence[str]) -> None:
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.description = _wrapped(method.about.text)
    for parameter in method.parameters:
        if parameter.kind == "entity":
            _add_entity(parser)
        elif parameter.is_subject:
            _add_subject(parser, parameter, method)
        else:
            _add_option(parser, parameter, method)
    _add_result(parser, method)
    add_client(parser)
    if method.may_cost:
        add_chargeable(parser)
    parser.set_defaults(run=partial(_run, method))


def _run(method: Method, options: argparse.Namespace) -> int:
    from sikoia_async.cli.api.run import run  # noqa: PLC0415 - not loaded for the help

    return run(method, options)


def _add_entity(parser: Parser) -> None:
    group = parser.add_argument_group("entity", "one of:")
    exclusive = group.add_mutually_exclusive_group(required=True)
    for name in ENTITIES:
        exclusive.add_argument(f"--{name}", metavar="ID", help=f"the id of a {name}")


def _add_subject(parser: Parser, parameter: Parameter, method: Method) -> None:
    text = method.about.parameters[parameter.name]
    name = f"the_{parameter.name}"
    if parameter.kind == "file":
        parser.add_argument(
            name, metavar="FILE", help="the file, or - for standard input, with --file-name"
        )
    elif parameter.kind == "integer":
        parser.add_argument(
            name, type=at_least(0), metavar="INDEX", help=_escaped(text.rpartition(", or ")[2])
        )
    else:
        metavar = f"{parameter.name.upper()}_ID"
        parser.add_argument(name, metavar=metavar, help=_escaped(about_id(text)))


def _add_option(parser: Parser, parameter: Parameter, method: Method) -> None:
    text = method.about.parameters[parameter.name]
    settings: dict[str, Any] = {"dest": f"the_{parameter.name}", "required": parameter.is_required}
    values: tuple[str, ...] = ()
    match parameter.kind:
        case "flag":
            settings["action"] = argparse.BooleanOptionalAction
        case "models":
            settings["metavar"] = "JSON"
            text += "; as JSON, @ and the name of a file of JSON or CSV, or - for standard input"
        case "choice":
            values = parameter.values
            settings |= {"metavar": "VALUE", "type": known(values, is_open=parameter.is_open)}
        case kind:
            settings |= {"metavar": _METAVARS[kind], "type": _TYPES[kind]}
    if parameter.is_list and parameter.kind != "models":
        settings["action"] = "append"
        text = about_id(text, is_list=True) if parameter.kind == "id" else text
        text = about_list(text)
    shown = [one for one in values if one not in text]
    if shown:
        text += f": {', '.join(values)}"
    action = parser.add_argument(parameter.flag, help=_escaped(text), **settings)
    if values:
        complete_with(action, values)


def _add_result(parser: Parser, method: Method) -> None:
    """Add the options for what the method returns."""
    request = parser.add_argument_group("request")
    if method.result == "file":
        parser.add_argument(
            "--out", required=True, metavar="PATH", help="the file to write, or - for stdout"
        )
    elif method.result != "nothing":
        add_output(parser)
    if method.full_name in LINKS:
        request.add_argument(
            "--out", metavar="PATH", help="write the file itself to PATH, or to stdout with -"
        )
    if method.result in {"items", "pages"}:
        request.add_argument("--limit", type=at_least(1), metavar="N", help=_LIMITS[method.result])
    if method.result == "pages":
        request.add_argument("--all", action="store_true", help="the whole list")
    if method.result == "operation":
        request.add_argument(
            "--wait",
            nargs="?",
            type=duration,
            const=0.0,
            metavar="SECONDS",
            help="wait for the result, for as long as it usually takes at most, or for SECONDS",
        )
    lists = () if method.model is None else tuple(lists_in(method.model))
    if lists:
        of = request.add_argument(
            "--of",
            type=choice(*lists),
            metavar="LIST",
            help=f"only the items of one of its lists: {', '.join(lists)}",
        )
        complete_with(of, lists)
    request.add_argument(
        "--curl", action="store_true", help="print the request as a curl command, and send nothing"
    )


_LIMITS: Final = {
    "items": "at most N items",
    "pages": "at most N items (default 100)",
}
_METAVARS: Final = {
    "day": "DATE",
    "id": "ID",
    "integer": "N",
    "number": "NUMBER",
    "text": "TEXT",
}
_TYPES: Final[dict[str, Any]] = {
    "day": day,
    "id": str,
    "integer": number,
    "number": seconds,
    "text": str,
}


def _escaped(text: str) -> str:
    """Return a text for argparse, which formats it with `%`."""
    return text.replace("%", "%%")


def _wrapped(text: str) -> str:
    width = min(shutil.get_terminal_size().columns, _WIDTH)
    return "\n\n".join(textwrap.fill(one, width) for one in text.split("\n\n"))
