"""The commands of `sikoia batch`: from parsed options to an exit code."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Final

from sikoia_async.cli.batch import journals, running
from sikoia_async.cli.batch.arguments import job_of, parsed
from sikoia_async.cli.batch.records import InputError
from sikoia_async.errors import ChargeLimitError, ConfigurationError, SikoiaError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

__all__ = ["run"]

_CANNOT_START: Final = 2
_FAILED: Final = 1
_NOT_BOUGHT: Final = 3


def run(options: argparse.Namespace) -> int:
    """Run a command and return its exit code. Errors are printed in one line, without values.

    Args:
        options: the parsed options.

    Raises:
        OSError: a file cannot be read or written.
    """
    try:
        return _run(options, options.arguments)
    except (InputError, ConfigurationError) as error:
        print(f"sikoia batch: {error}", file=sys.stderr)
        return _CANNOT_START
    except ChargeLimitError as error:
        print(f"sikoia batch: {error}", file=sys.stderr)
        return _NOT_BOUGHT
    except SikoiaError as error:
        print(f"sikoia batch: {type(error).__name__}: {error}", file=sys.stderr)
        return _FAILED


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
        again.yes = True  # as for the first run
        options = again
    return running.run(job_of(options, arguments))
