"""Data sources: the documents and bank accounts that insights are based on.

Source: https://docs.sikoia.com/docs/data-sources-1
"""

from datetime import date, datetime
from typing import Literal

import attrs

from sikoia_async._calls.api import Api
from sikoia_async.models import (
    PERSONAL,
    Entity,
    EntityType,
    HasEntity,
    Items,
    Model,
    Open,
    SourceCategory,
)
from sikoia_async.operations.kinds import OperationKind
from sikoia_async.operations.operation import Operation
from sikoia_async.operations.statuses import has_ended, is_among
from sikoia_async.resources._entities import in_body, in_path
from sikoia_async.resources._resource import Resource
from sikoia_async.resources.documents import DOCUMENT_EVENTS, DocumentType

__all__ = [
    "DataSource",
    "DataSourceStatus",
    "DataSourceType",
    "DataSources",
]

DataSourceStatus = Literal["Provided", "Pending", "Complete", "Failed", "Excluded"]
"""The status of a data source: `Pending`, or one of the final ones `Provided`, `Complete`, `Failed`
and `Excluded`."""
DataSourceType = Literal["None", DocumentType, "OpenBankingConnection", "BankAccount"]
"""The type of a data source: `None`, a `DocumentType`, `OpenBankingConnection` or `BankAccount`."""


@attrs.frozen(kw_only=True)
class DataSource(Model):
    """A document, a part of a document, or a bank account."""

    source_name: str | None = attrs.field(default=None, **PERSONAL)
    """The document's name; None for a bank account."""
    source_id: str | None = None
    """A `document_id` or an `account_connection_id`."""
    data_source_id: str | None = None
    """Identifies the source within its file, which may hold several payslips, for example."""
    source_category_type: Open[SourceCategory] | None = None
    source_type: Open[DataSourceType] | None = None
    status: Open[DataSourceStatus] | None = None
    """Only `Complete` sources are used for insights. Bank statements, payslips, SA302s and tax
    overviews are `Pending` while Sikoia reads them; other documents stay `Provided`, because no
    figures are read from them."""
    message: str | None = attrs.field(default=None, **PERSONAL)
    """An explanation of the status."""
    recipient: str | None = attrs.field(default=None, **PERSONAL)
    """The person named on a payslip or statement."""
    source_date: date | None = None
    """The date on the document, such as the pay date of a payslip."""
    source_uris: tuple[str, ...] | None = None
    """URLs of the source in Sikoia's API. They need an access token, which `download` does not
    send: use `documents.retrieve(source_id)` or `banking.account(source_id)` instead."""
    start_date: date | None = None
    """The first day of the period it covers, if it covers one."""
    end_date: date | None = None
    """The last day of that period."""
    provided_date: datetime | None = None
    """When it was uploaded or connected."""


@attrs.frozen(kw_only=True)
class EntityDataSources(Model):
    """The response that lists the data sources of an entity."""

    entity_id: str | None = None
    entity_type: Open[EntityType] | None = None
    data_sources: tuple[DataSource, ...] | None = None


class DataSources(Resource):
    """Documents and bank accounts that insights are based on, as `sikoia.data_sources`."""

    async def list(self, entity: HasEntity, /) -> Items[DataSource]:
        """List the data sources of an entity with their status.

            for source in await sikoia.data_sources.list(person):
                print(source.source_type, source.status)

        Operation: `GET /v2/{entity_type}/{entity_id}/insight-data-sources`.

        Args:
            entity: a case, company or person.

        Returns:
            The data sources, with the response they came in.

        Raises:
            ArgumentError: the argument is not an entity.
            ResourceNotFoundError: the entity does not exist.
        """
        return await self._api.items(
            "/v2/{entity_type}/{entity_id}/insight-data-sources",
            EntityDataSources,
            lambda listed: listed.data_sources,
            **in_path(entity),
        )

    def until_complete(self, entity: HasEntity, /) -> Operation[Items[DataSource]]:
        """Wait until none of an entity's data sources is `Pending`.

            sources = await sikoia.data_sources.until_complete(person)

        A source that `Failed` raises no error: look at each `status`. An entity without data
        sources is done at once. Waits up to half an hour (1,800 s); use `.wait(timeout=...)` to
        change that.

        Args:
            entity: a case, company or person.

        Returns:
            The operation; awaiting it gives all data sources of the entity.

        Raises:
            ArgumentError: the argument is not an entity.
            ResourceNotFoundError: the entity does not exist; raised when awaited.
        """
        fields = in_body(entity)
        return _completion(self._api, fields["entity_id"], fields["entity_type"])


def _completion(api: Api, entity_id: str, entity_type: EntityType) -> Operation[Items[DataSource]]:
    entity = Entity(entity_type, entity_id)
    return api.operation(
        _OPERATION,
        (entity_id, entity_type),
        lambda api: DataSources(api).list(entity),
        state=lambda sources: "running" if _is_pending(sources) else "done",
    )


def _is_pending(sources: Items[DataSource]) -> bool:
    return not all(
        is_among(source.status, _FINAL) or has_ended(source.status) for source in sources
    )


_FINAL = frozenset({"Provided", "Complete", "Failed", "Excluded"})
_OPERATION = OperationKind(
    name="data-sources",
    timeout=1800.0,
    is_final=False,
    events=DOCUMENT_EVENTS | {"BankingProcessing.Completed", "OpenBankingProcessing.Completed"},
    id_count=2,
    opener=lambda api, ids: _completion(api, *ids),
)
OPERATION_KINDS = (_OPERATION,)
