"""The commands of `sikoia batch`: from parsed options to an exit code."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Final

from sikoia_async.cli.batch import journals, running
from sikoia_async.cli.batch.arguments import job_of, parsed
from sikoia_async.cli.batch.records import InputError
from sikoia_async.cli.exit_codes import describe
from sikoia_async.errors import ChargeLimitError, ConfigurationError, SikoiaError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

__all__ = ["run"]

_FAILED: Final = 1
_CODES: Final = ((InputError, 2), (ConfigurationError, 2), (ChargeLimitError, 3))


def run(options: argparse.Namespace) -> int:
    """Run a command and return its exit code. Errors are printed in one line, without values.

    Args:
        options: the parsed options.

    Raises:
        OSError: a file cannot be read or written.
    """
    try:
        return _run(options, options.arguments)
    except (InputError, SikoiaError) as error:
        print(f"sikoia batch: {describe(error)[1]}", file=sys.stderr)
        return next((code for kind, code in _CODES if isinstance(error, kind)), _FAILED)


def _run(options: argparse.Namespace, arguments: Sequence[str]) -> int:
    if options.batch_command == "status":
        return journals.status(options.journal, as_json=options.json)
    if options.batch_command == "doubts":
        return journals.doubts(options.journal, look=options.look, as_json=options.json)
    if options.batch_command == "retry":
        arguments, folder = journals.remembered(options.journal)
        os.chdir(folder)
        again = parsed(arguments)
        again.retry_failed, again.json = True, again.json or options.json
        again.yes = again.yes or options.yes
        options = again
    return running.run(job_of(options, arguments))
