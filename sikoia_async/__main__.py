"""The command line: `sikoia sandbox` serves a local Sikoia, `sikoia demo` shows the SDK on it."""

from __future__ import annotations

import argparse
import signal
import sys
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, cast

from sikoia_async._version import __version__

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

__all__ = ["main"]

_PORT = 8400
_INSPECTOR_PORT = 8401


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; return 0 if all went well, else 1 with one line that says why."""
    options = _parser().parse_args(arguments)
    try:
        return _demo() if options.command == "demo" else _sandbox(options)
    except (ImportError, OSError, ValueError) as error:
        # Without the extra, or with a port in use: nothing that a traceback would make clearer.
        print(f"sikoia {options.command}: {_reason(error)}", file=sys.stderr)
        return 1


def _reason(error: Exception) -> str:
    """Say what went wrong; the number that the system has for it helps nobody."""
    if not isinstance(error, OSError) or not error.strerror:
        return str(error)
    filename = cast("str | None", error.filename)
    return f"{filename}: {error.strerror}" if filename else error.strerror


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="sikoia", description=__doc__)
    parser.add_argument("--version", action="version", version=f"sikoia-async {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="command")
    commands.add_parser("demo", help="walk through the SDK against a local Sikoia; a second or two")
    sandbox = commands.add_parser("sandbox", help="serve a local Sikoia over https on loopback")
    sandbox.add_argument(
        "--port", type=int, default=_PORT, help=f"port to serve at (default {_PORT}; 0: any free)"
    )
    sandbox.add_argument(
        "--seed", type=int, default=0, help="what its ids and data are drawn from (default 0)"
    )
    sandbox.add_argument(
        "--speed",
        type=float,
        default=1,
        help="seconds of its time in one of real time (default 1; 0: only the inspector moves it)",
    )
    sandbox.add_argument(
        "--scenario",
        metavar="FILE",
        action="append",
        default=[],
        help="TOML file with scenarios and faults; may be given several times",
    )
    sandbox.add_argument(
        "--scenarios", action="store_true", help="list the scenarios that there are, and end"
    )
    sandbox.add_argument(
        "--inspector",
        type=int,
        nargs="?",
        const=_INSPECTOR_PORT,
        metavar="PORT",
        help=f"serve a page too that shows what goes on (default port {_INSPECTOR_PORT})",
    )
    return parser


def _demo() -> int:
    from sikoia_async.cli.demo import run  # noqa: PLC0415 - a command loads what it needs

    return run()


def _sandbox(options: argparse.Namespace) -> int:
    with _until_told_to_stop():
        from sikoia_async.sandbox import create_app  # noqa: PLC0415 - as above

        if options.scenarios:
            print("\n".join(create_app(scenarios=options.scenario).scenarios.table()))
            return 0
        _serve(options)
    print("\nStopped.")
    return 0


def _serve(options: argparse.Namespace) -> None:
    from sikoia_async.sandbox import Sandbox  # noqa: PLC0415 - as above

    with Sandbox(
        port=options.port,
        seed=options.seed,
        speed=options.speed,
        inspector=options.inspector is not None,
        inspector_port=options.inspector or 0,
        scenarios=options.scenario,
    ) as sandbox:
        print(f"A local Sikoia serves at {sandbox.url}. To let Sikoia() talk to it:\n")
        print("\n".join(f"  {line}" for line in sandbox.exports()))
        if sandbox.inspector_url:
            print(f"\nThe inspector is at {sandbox.inspector_url}")
        print("\nIts data is fictitious and forgotten at the end. Stop it with Ctrl-C.", flush=True)
        sandbox.serve_forever()


@contextmanager
def _until_told_to_stop() -> Generator[None]:
    """End the block quietly on Ctrl-C and SIGTERM, which may come before the sandbox takes them."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with suppress(KeyboardInterrupt):
            yield
    finally:
        signal.signal(signal.SIGTERM, before)


if __name__ == "__main__":
    sys.exit(main())
