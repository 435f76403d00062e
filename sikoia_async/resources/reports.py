"""The Excel report: what is known about an entity, in a workbook for people.

Source: https://docs.sikoia.com/docs/insights-report
"""

import os
from typing import Final

import attrs

from sikoia_async._calls.api import Api
from sikoia_async.models import HasEntity
from sikoia_async.resources._entities import in_path

__all__ = ["Reports"]

_EXCEL: Final = "/v2/{entity_type}/{entity_id}/excel-report"


@attrs.frozen
class Reports:
    """`sikoia.reports`."""

    _api: Api

    async def excel(self, entity: HasEntity) -> bytes:
        """Make a workbook of what is known, and return it (`GET …/excel-report`).

        It has sheets for income, affordability, completeness and integrity of documents, as far as
        there is something to tell, and does not change afterwards. Each request may cost credits:
        it is never sent twice on our own initiative, although it is a GET.

        Raises:
            ResourceNotFoundError: there is no such entity.
            UnexpectedResponseError: what came is no workbook; its `body` has what came.
        """
        return await self._api.workbook(
            "/v2/{entity_type}/{entity_id}/excel-report", bytes, **in_path(entity)
        )

    async def save_excel(self, entity: HasEntity, path: str | os.PathLike[str]) -> int:
        """Make the same workbook, write it to a file, and return its size in bytes.

        The file appears when it is whole, in place of one that was there; its owner alone may read
        it. Each request may cost credits, as with `excel`.

        Raises:
            ConfigurationError: the file cannot be written there; nothing was sent.
            ResourceNotFoundError: there is no such entity.
            UnexpectedResponseError: what came is no workbook; its `body` has the beginning.
            CallError: writing failed on the way.
        """
        return await self._api.save_workbook(_EXCEL, path, **in_path(entity))
