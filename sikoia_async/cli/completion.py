"""`sikoia completion bash`: the script that lets a shell complete commands and options."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sikoia_async.cli.parser import choice, complete_with

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from sikoia_async.cli.parser import Parser

__all__ = ["configure"]


_SHELLS: Final = ("bash", "zsh", "fish")


def configure(parser: Parser, _words: Sequence[str]) -> None:
    """Add the arguments of the command."""
    parser.description = (
        'In the start-up file of bash: eval "$(sikoia completion bash)"; of zsh, after compinit: '
        'eval "$(sikoia completion zsh)"; of fish: sikoia completion fish | source'
    )
    shell = parser.add_argument("shell", type=choice(*_SHELLS), help="bash, zsh or fish")
    complete_with(shell, _SHELLS)
    parser.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> int:
    try:
        from argcomplete.shell_integration import shellcode  # noqa: PLC0415 - an optional extra
    except ImportError as _exc:
        msg = "completion needs an extra: pip install 'sikoia-async[cli]'"
        raise ImportError(msg) from _exc
    print(shellcode(["sikoia"], shell=options.shell))
    return 0
