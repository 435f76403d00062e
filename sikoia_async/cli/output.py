"""What commands print: JSON, JSON lines, CSV, or a table on a terminal; personal data masked."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from sikoia_async.cli.kinds import is_items, is_list, is_object
from sikoia_async.cli.text import is_terminal, to_json_text
from sikoia_async.errors import ArgumentError
from sikoia_async.models import Items, Model

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

__all__ = ["Output"]


class Output:
    """Prints results in the format that was asked for.

    Args:
        options: those of `add_output`, and `of` if the command has it.
    """

    def __init__(self, options: argparse.Namespace) -> None:
        self.format: str = options.output or _default_format()
        self.masked: bool = not options.reveal
        self._of: str | None = getattr(options, "of", None)

    def show(self, value: object) -> None:
        """Print a model, a list of models, or what is JSON already."""
        if self.format == "csv":
            print(self._csv(value), end="")
        elif self.format == "jsonl":
            for row in self._rows(value):
                self.show_line(row)
        else:
            plain = self._rows(value) if self._of else self.plain(value)
            if self.format == "json":
                print(to_json_text(plain, indent=2))
            else:
                from sikoia_async.cli.tables import show  # noqa: PLC0415 - needs rich

                show(plain)

    def show_line(self, item: object) -> None:
        """Print one item of a list in JSON lines, and do not wait for more."""
        print(to_json_text(self.plain(item)), flush=True)

    def plain(self, value: object, only: Sequence[str] | None = None) -> Any:
        """Return a value as JSON, masked.

        Args:
            value: a model, a list of models, or what is JSON already.
            only: the fields of a model to include; None for all.
        """
        if isinstance(value, Model):
            return value.to_dict(masked=self.masked, only=only)
        if is_items(value):
            return value.to_dicts(masked=self.masked, only=only)
        return value

    def _rows(self, value: object) -> list[Any]:
        """Return the lines for a value: its items, or itself."""
        plain: object = self.plain(value)
        if self._of and is_object(plain):
            plain = plain.get(self._of) or []
        return plain if is_list(plain) else [plain]

    def _csv(self, value: object) -> str:
        """Return rows for a spreadsheet: of a list, or of the list in a model, or of the model."""
        if is_items(value):
            return value.to_csv(masked=self.masked)
        if isinstance(value, Model):
            try:
                return value.to_csv(self._of, masked=self.masked)
            except ArgumentError:  # it has no list, or several: its response may have cost money
                return Items((value,)).to_csv(masked=self.masked)
        return ""  # such as None, if a report was never bought


def _default_format() -> str:
    return "table" if is_terminal() and find_spec("rich") is not None else "json"
