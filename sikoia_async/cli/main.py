"""Command line: `sikoia sandbox` runs a local Sikoia, `sikoia demo` demonstrates the SDK on it."""

from __future__ import annotations

import argparse
import signal
import sys
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Final, cast

from sikoia_async._version import __version__

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

__all__ = ["main"]

_PORT: Final = 8400
_INSPECTOR_PORT: Final = 8401


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code: 0, or 1 after printing one line that says why.

    Args:
        arguments: the command line without the program's name; `sys.argv` if left out.
    """
    options = _parser().parse_args(arguments)
    try:
        return _demo() if options.command == "demo" else _sandbox(options)
    except (ImportError, OSError, ValueError) as error:
        # The extra is not installed, a port is in use, a file is wrong: no traceback needed.
        print(f"sikoia {options.command}: {_reason(error)}", file=sys.stderr)
        return 1


def _reason(error: Exception) -> str:
    """Return the message of an error, without the errno."""
    if not isinstance(error, OSError) or not error.strerror:
        return str(error)
    filename = cast("str | None", error.filename)
    return f"{filename}: {error.strerror}" if filename else error.strerror


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="sikoia", description="A local Sikoia to develop against, and a demo of the SDK."
    )
    parser.add_argument("--version", action="version", version=f"sikoia-async {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="command")
    commands.add_parser("demo", help="demonstrate the SDK on a local Sikoia; takes a few seconds")
    sandbox = commands.add_parser("sandbox", help="run a local Sikoia on https://127.0.0.1")
    sandbox.add_argument(
        "--port",
        type=int,
        default=_PORT,
        help=f"port to listen on (default {_PORT}; 0: any free)",
    )
    sandbox.add_argument(
        "--seed", type=int, default=0, help="seed of the generated ids and data (default 0)"
    )
    sandbox.add_argument(
        "--speed",
        type=float,
        default=1,
        help="how fast its clock runs (default 1; 0: only the inspector advances it)",
    )
    sandbox.add_argument(
        "--scenario",
        metavar="FILE",
        action="append",
        default=[],
        help="TOML file with scenarios and faults; can be repeated",
    )
    sandbox.add_argument(
        "--scenarios", action="store_true", help="list the available scenarios and exit"
    )
    sandbox.add_argument(
        "--inspector",
        type=int,
        nargs="?",
        const=_INSPECTOR_PORT,
        metavar="PORT",
        help=f"also serve a page that shows its traffic (default port {_INSPECTOR_PORT})",
    )
    return parser


def _demo() -> int:
    from sikoia_async.cli.demo import run  # noqa: PLC0415 - loaded by this command only

    return run()


def _sandbox(options: argparse.Namespace) -> int:
    with _until_interrupted():
        from sikoia_async.sandbox import create_app  # noqa: PLC0415 - as above

        if options.scenarios:
            print("\n".join(create_app(scenarios=options.scenario).scenarios.table()))
            return 0
        _serve(options)
    print("\nStopped.")
    return 0


def _serve(options: argparse.Namespace) -> None:
    from sikoia_async.sandbox import Sandbox, Time  # noqa: PLC0415 - as above

    with Sandbox(
        port=options.port,
        seed=options.seed,
        time=Time(speed=options.speed),
        inspector=options.inspector is not None,
        inspector_port=options.inspector or 0,
        scenarios=options.scenario,
    ) as sandbox:
        print(f"A local Sikoia is running at {sandbox.url}. To connect Sikoia() to it:\n")
        print("\n".join(f"  {line}" for line in sandbox.exports()))
        if sandbox.inspector_url:
            print(f"\nThe inspector is at {sandbox.inspector_url}")
        print(
            "\nIts data is fictitious, and is lost when it stops. Press Ctrl-C to stop.", flush=True
        )
        sandbox.serve_forever()


@contextmanager
def _until_interrupted() -> Generator[None]:
    """End the block without a traceback on Ctrl-C and SIGTERM, even before the sandbox listens."""
    previous = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with suppress(KeyboardInterrupt):
            yield
    finally:
        signal.signal(signal.SIGTERM, previous)
