"""The methods of models and lists that make tables, also in notebooks; the rest is loaded later."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sikoia_async._transport.tracebacks import without_frames_sync

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sikoia_async._export.tables import Table

__all__ = ["Tabular"]


class Tabular:
    """Tables of a list, or of a list in a model."""

    __slots__ = ()

    @without_frames_sync
    def records(
        self,
        of: str | None = None,
        *,
        masked: bool = False,
        only: str | Iterable[str] | None = None,
        exclude: str | Iterable[str] | None = None,
    ) -> list[dict[str, Any]]:
        """Return a flat dict for each item of the list, with Python values.

        Fields of nested models have dots in their names, as in `amount.currency`. Lists inside an
        item, and what is not a single value, are JSON text: name the list with `of` to get its
        items as records.

        Args:
            of: for a model, the path of the list in it, such as `data.cashflow.categories`. It may
                be left out if the model has one list; `data_sources` does not count.
            masked: replace personal data by `***`.
            only: the columns to include: a name, the path of a nested model, or several.
            exclude: the columns to leave out.

        Raises:
            ArgumentError: a path or `of` does not lead to a field; the error names the nearest.
        """
        return self._table(of, masked, only, exclude).records()

    @without_frames_sync
    def to_csv(
        self,
        of: str | None = None,
        *,
        masked: bool = False,
        only: str | Iterable[str] | None = None,
        exclude: str | Iterable[str] | None = None,
        escape_formulas: bool = True,
    ) -> str:
        r"""Return the records as CSV, with a header. Write it with `newline=""`.

        Lines end with `\r\n`, as in RFC 4180. None is an empty cell. The other arguments are those
        of `records`.

        Args:
            of: see `records`.
            masked: see `records`.
            only: see `records`.
            exclude: see `records`.
            escape_formulas: put an apostrophe before text that a spreadsheet would run as a
                formula, because it begins with `=`, `+`, `-` or `@`. The text of a payment is
                written by strangers. Numbers are not changed. Set it to False for programs.

        Raises:
            ArgumentError: as with `records`.
        """
        table = self._table(of, masked, only, exclude)
        return table.csv(escape_formulas=escape_formulas)

    @without_frames_sync
    def to_pandas(
        self,
        of: str | None = None,
        *,
        masked: bool = False,
        only: str | Iterable[str] | None = None,
        exclude: str | Iterable[str] | None = None,
    ) -> Any:
        """Return the records as a `pandas.DataFrame`; the arguments are those of `records`.

        Decimals are kept as objects and exact, times are in UTC, and missing values are `NA`.

        Raises:
            ConfigurationError: pandas is not installed.
            ArgumentError: as with `records`.
        """
        return self._table(of, masked, only, exclude).pandas()

    @without_frames_sync
    def to_polars(
        self,
        of: str | None = None,
        *,
        masked: bool = False,
        only: str | Iterable[str] | None = None,
        exclude: str | Iterable[str] | None = None,
    ) -> Any:
        """Return the records as a `polars.DataFrame`; the arguments are those of `records`.

        Decimals are exact; a column that needs more than 38 digits is text. Times are in UTC.

        Raises:
            ConfigurationError: polars is not installed.
            ArgumentError: as with `records`.
        """
        return self._table(of, masked, only, exclude).polars()

    @without_frames_sync
    def to_arrow(
        self,
        of: str | None = None,
        *,
        masked: bool = False,
        only: str | Iterable[str] | None = None,
        exclude: str | Iterable[str] | None = None,
    ) -> Any:
        """Return the records as a `pyarrow.Table`; the arguments are those of `records`.

        Decimals are `decimal128`; a column that needs more than 38 digits is text. Times are in
        UTC.

        Raises:
            ConfigurationError: pyarrow is not installed.
            ArgumentError: as with `records`.
        """
        return self._table(of, masked, only, exclude).arrow()

    def _repr_html_(self) -> str | None:
        from sikoia_async._export.notebook import html  # noqa: PLC0415 - loaded when first used

        return html(self, getattr(self, "_type", None))

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        from sikoia_async._export.notebook import pretty  # noqa: PLC0415 - loaded when first used

        pretty(self, printer, cycle=cycle)

    def _table(
        self,
        of: str | None,
        masked: bool,
        only: str | Iterable[str] | None,
        exclude: str | Iterable[str] | None,
    ) -> Table:
        from sikoia_async._export.tables import table_of  # noqa: PLC0415 - loaded when first used

        kind: Any = getattr(self, "_type", None)
        return table_of(self, kind, of, masked=masked, only=only, exclude=exclude)
