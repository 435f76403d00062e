"""Runs the command of a method: from its options to what it prints."""

from __future__ import annotations

import inspect
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import anyio
import attrs

from sikoia_async import APIError, Entity, Items, OperationFailedError, TooManyResultsError
from sikoia_async.cli.api.curl import print_curl
from sikoia_async.cli.api.names import ENTITIES, LINKS
from sikoia_async.cli.api.values import models_of
from sikoia_async.cli.client import new_client, run_client
from sikoia_async.cli.consent import ask
from sikoia_async.cli.output import Output
from sikoia_async.cli.text import printable
from sikoia_async.cli.waiting import show_operation, wait
from sikoia_async.errors import ArgumentError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from sikoia_async import Sikoia
    from sikoia_async.cli.api.signatures import Method, Parameter

__all__ = ["run"]

_WITH_SECRET: Final = frozenset(
    {"webhooks.create_secret", "webhooks.retrieve_secret", "webhooks.rotate_secret"}
)
_FIRST: Final = 100
"""How many items of a list in pages are printed, unless more are asked for."""


def run(method: Method, options: argparse.Namespace) -> int:
    """Make the call and print its result.

    Raises:
        SikoiaError: an argument is invalid, or the call failed.
        OSError: a file cannot be read or written.
    """
    if method.result == "operation" and options.output == "csv" and options.wait is None:
        msg = "-o csv: an operation has no rows; add --wait, or use -o json"
        raise ArgumentError(msg)
    job = _Job(method, options, *_arguments(method, options))
    if options.curl:
        return print_curl(options, job.call)
    sikoia = new_client(options)
    if method.may_cost:
        ask(method.operation, yes=options.yes)
    return run_client(sikoia, job.run)


def _arguments(method: Method, options: argparse.Namespace) -> tuple[list[Any], dict[str, Any]]:
    """Return the arguments of the method, by position and by name."""
    positional, named = list[Any](), dict[str, Any]()
    for parameter in method.parameters:
        if parameter.kind == "entity":
            ids = {name: getattr(options, name) for name in ENTITIES}
            positional.extend(Entity(name, id_) for name, id_ in ids.items() if id_ is not None)
            continue
        value = getattr(options, f"the_{parameter.name}")
        if value is None:
            continue
        value = _value(parameter, value)
        if parameter.is_subject:
            positional.append(value)
        else:
            named[parameter.name] = value
    return positional, named


def _value(parameter: Parameter, value: Any) -> Any:
    if parameter.model is not None:
        return models_of(parameter.flag, value, parameter.model)
    if parameter.kind == "file":
        return sys.stdin.buffer.read() if value == "-" else Path(value.removeprefix("@"))
    return value


@attrs.frozen
class _Job:
    """A call to make, and to print the result of."""

    method: Method
    options: argparse.Namespace
    positional: Sequence[Any]
    named: Mapping[str, Any]

    def call(self, sikoia: Sikoia) -> Any:
        """Call the method: most return something to await."""
        return self.method.of(sikoia)(*self.positional, **self.named)

    async def run(self, sikoia: Sikoia) -> int:
        """Make the call, print its result, and return the exit code."""
        show: Callable[[Any], Awaitable[None]] = {
            "file": self._save,
            "items": self._show_items,
            "model": self._show_model,
            "nothing": self._show_nothing,
            "operation": self._show_operation,
            "pages": self._show_pages,
        }[self.method.result]
        try:
            await show(sikoia)
        except TooManyResultsError as error:
            Output(self.options).show(Items(error.picklist))
            raise
        except OperationFailedError as error:
            Output(self.options).show(error.result)
            raise
        except APIError as error:
            if self.options.reveal and error.detail:
                error.add_note(printable(error.detail))
            raise
        except anyio.get_cancelled_exc_class():
            if sum(sikoia.spend.values()):
                print(_INTERRUPTED, file=sys.stderr)
            raise
        return 0

    async def _show_model(self, sikoia: Sikoia) -> None:
        model = await self.call(sikoia)
        if getattr(self.options, "out", None) is None:
            Output(self.options).show(model)
            if self.method.full_name in _WITH_SECRET and not self.options.reveal:
                print("The key is ***; --reveal shows it.", file=sys.stderr)
        else:
            link = getattr(model, LINKS[self.method.full_name])
            await self._save_as(partial(sikoia.save, link), partial(sikoia.download, link))

    async def _show_items(self, sikoia: Sikoia) -> None:
        items = await self.call(sikoia)
        Output(self.options).show(self.method.listed(items[: self.options.limit]))

    async def _show_nothing(self, sikoia: Sikoia) -> None:
        await self.call(sikoia)
        print("Done.", file=sys.stderr)

    async def _show_pages(self, sikoia: Sikoia) -> None:
        """Print a list that comes in pages: JSON lines as they arrive, others at the end."""
        output, options = Output(self.options), self.options
        limit = None if options.all else options.limit or _FIRST
        items = list[Any]()
        count = 0
        async for item in self.call(sikoia):
            if count == limit:
                print(f"There are more than {limit}; --all shows the whole list.", file=sys.stderr)
                break
            count += 1
            if output.format == "jsonl":
                output.show_line(item)
            else:
                items.append(item)
        if output.format != "jsonl":
            output.show(self.method.listed(items))

    async def _show_operation(self, sikoia: Sikoia) -> None:
        output = Output(self.options)
        operation = self.call(sikoia)
        if inspect.iscoroutine(operation):
            operation = await operation
        if self.options.wait is None:
            show_operation(operation, output)
        else:
            output.show(await wait(operation, self.options.wait or None))

    async def _save(self, sikoia: Sikoia) -> None:
        save = partial(sikoia.reports.save_excel, *self.positional)
        await self._save_as(save, partial(self.call, sikoia))

    async def _save_as(
        self, save: Callable[[str], Awaitable[int]], read: Callable[[], Awaitable[bytes]]
    ) -> None:
        """Save a file where `--out` says, or write it to standard output."""
        if self.options.out == "-":
            sys.stdout.buffer.write(await read())
        else:
            print(f"{await save(self.options.out):,} bytes", file=sys.stderr)


_INTERRUPTED: Final = (
    "The request may have been sent, and may have cost money: look before you repeat it."
)
