"""The Excel report: an entity's insights in a workbook.

Source: https://docs.sikoia.com/docs/insights-report
"""

import os
from typing import Final

from sikoia_async.models import HasEntity
from sikoia_async.resources._entities import in_path
from sikoia_async.resources._resource import Resource

__all__ = ["Reports"]

# The path of `Reports.excel` once more. The contract tests read paths from the methods and expect
# one method per operation, and `save_excel` is a second one for the same operation.
_EXCEL: Final = "/v2/{entity_type}/{entity_id}/excel-report"


class Reports(Resource):
    """Excel reports, as `sikoia.reports`."""

    async def excel(self, entity: HasEntity, /) -> bytes:
        """Generate an Excel report and return it as bytes.

            workbook = await sikoia.reports.excel(case)

        Operation: `GET /v2/{entity_type}/{entity_id}/excel-report`. The workbook has a sheet each
        for income, affordability, completeness and document integrity, if there is data for it. It
        is a snapshot: a later report may differ.

        Every request may cost credits, although it is a GET: never retried automatically once
        Sikoia may have processed it.

        Args:
            entity: the case, company or person to report on.

        Returns:
            The content of an `.xlsx` file.

        Raises:
            ArgumentError: the argument is not an entity.
            ResourceNotFoundError: the entity does not exist.
            UnexpectedResponseError: the response is not a workbook; `body` holds it.
        """
        return await self._api.workbook(
            "/v2/{entity_type}/{entity_id}/excel-report", bytes, **in_path(entity)
        )

    async def save_excel(
        self, entity: HasEntity, /, path: str | os.PathLike[str], *, max_file: int | None = None
    ) -> int:
        """Generate an Excel report and save it to a file.

            size = await sikoia.reports.save_excel(case, "report.xlsx")

        The file appears once it is complete and replaces an existing one. Only its owner can read
        it, even if it replaces one that others could read. Every request may cost credits, as with
        `excel`.

        Args:
            entity: the case, company or person to report on.
            path: the file to write.
            max_file: the maximum size in bytes; the client's `max_file` by default.

        Returns:
            The size of the file in bytes.

        Raises:
            ArgumentError: the file cannot be written there, or the path leads through a
                symbolic link of another user in a folder that others can write to. Nothing was
                sent.
            ResourceNotFoundError: the entity does not exist.
            UnexpectedResponseError: the response is not a workbook, or is larger than `max_file`;
                `body` holds its beginning.
            CallError: the file could not be written.
        """
        return await self._api.save_workbook(_EXCEL, path, max_file, **in_path(entity))
