"""The documents and bank accounts that insights are made from.

Source: https://docs.sikoia.com/docs/data-sources-1
"""

from datetime import date, datetime
from typing import Literal

import attrs

from sikoia_async._calls.api import Api
from sikoia_async.models import PERSONAL, Entity, EntityType, HasEntity, Model, Open, SourceCategory
from sikoia_async.operations.operation import Operation
from sikoia_async.operations.registry import OperationKind
from sikoia_async.resources._entities import in_body, in_path
from sikoia_async.resources.documents import DOCUMENT_EVENTS, DocumentType

__all__ = [
    "DataSource",
    "DataSourceStatus",
    "DataSourceType",
    "DataSources",
    "EntityDataSources",
]

DataSourceStatus = Literal["Provided", "Pending", "Complete", "Failed", "Excluded"]
DataSourceType = Literal["None", DocumentType, "OpenBankingConnection", "BankAccount"]


@attrs.frozen(kw_only=True)
class DataSource(Model):
    """A document, a part of one, or a bank account."""

    source_name: str | None = attrs.field(default=None, **PERSONAL)
    """The document's name; None for a bank account."""
    source_id: str | None = None
    """A `document_id`, or an `account_connection_id`."""
    data_source_id: str | None = None
    """One file may hold several sources, say several payslips: this tells them apart."""
    source_category_type: Open[SourceCategory] | None = None
    source_type: Open[DataSourceType] | None = None
    status: Open[DataSourceStatus] | None = None
    """Insights are made from what is `Complete`. Bank statements, payslips, SA302s and tax
    overviews are `Pending` before. Others stay `Provided`: no figures are read from them."""
    message: str | None = attrs.field(default=None, **PERSONAL)
    """More about the status."""
    recipient: str | None = attrs.field(default=None, **PERSONAL)
    """Whom a payslip or statement names."""
    source_date: date | None = None
    """The date on the document: when a payslip was paid, say."""
    source_uris: tuple[str, ...] | None = None
    """Where the API tells more about it. Read that with `documents.retrieve(source_id)` or
    `banking.account(source_id)`: the addresses ask for a token, which `download` does not send."""
    start_date: date | None = None
    """The first day that it covers, where it covers a time."""
    end_date: date | None = None
    provided_date: datetime | None = None
    """When it was uploaded or connected."""


@attrs.frozen(kw_only=True)
class EntityDataSources(Model):
    """The data sources of an entity."""

    entity_id: str | None = None
    entity_type: Open[EntityType] | None = None
    data_sources: tuple[DataSource, ...] | None = None


@attrs.frozen
class DataSources:
    """`sikoia.data_sources`."""

    _api: Api

    async def list(self, entity: HasEntity) -> EntityDataSources:
        """Return what there is to make insights from, and how far it is read.

        Operation: `GET /v2/{entity_type}/{entity_id}/insight-data-sources`.

        Raises:
            ResourceNotFoundError: there is no such entity.
        """
        return await self._api.get(
            "/v2/{entity_type}/{entity_id}/insight-data-sources",
            EntityDataSources,
            **in_path(entity),
        )

    def wait_complete(self, entity: HasEntity) -> Operation[EntityDataSources]:
        """Wait until none of an entity's data sources is `Pending`: `await` it for all of them.

        What `Failed` is a result, too: look at each `status`. An entity without any is done at
        once. It waits for half an hour (1,800 s); `.wait(timeout=...)` for another time.

        Raises:
            ConfigurationError: this is no entity.
            ResourceNotFoundError, while it is awaited: there is no such entity.
        """
        about = in_body(entity)
        return self._of(about["entity_id"], about["entity_type"])

    def _of(self, entity_id: str, entity_type: EntityType) -> Operation[EntityDataSources]:
        entity = Entity(entity_type, entity_id)
        return self._api.operation(
            _OPERATION,
            (entity_id, entity_type),
            lambda api: DataSources(api).list(entity),
            state=lambda answer: "running" if _is_pending(answer) else "done",
        )


def _is_pending(answer: EntityDataSources) -> bool:
    return any(one.status not in _FINAL for one in answer.data_sources or ())


_FINAL = frozenset({"Provided", "Complete", "Failed", "Excluded"})
_OPERATION = OperationKind(
    name="data-sources",
    timeout=1800.0,
    lasting=False,
    events=DOCUMENT_EVENTS | {"BankingProcessing.Completed", "OpenBankingProcessing.Completed"},
)
