"""Requests for insights, which income and affordability share."""

from datetime import datetime
from typing import Literal

import attrs

from sikoia_async.models import PERSONAL, EntityType, Model, Open

__all__ = ["InsightRequest", "InsightRequestSummary", "InsightStatus"]

InsightStatus = Literal["Pending", "Complete", "Failed"]
"""The progress of a request: `Pending`, `Complete` or `Failed`."""


@attrs.frozen(kw_only=True)
class InsightRequestSummary(Model):
    """A request for income or affordability insights as it appears in lists."""

    request_id: str
    status: Open[InsightStatus] | None = None
    datetime_requested: datetime | None = None
    datetime_completed: datetime | None = None
    """None while the request is pending."""
    message: str | None = attrs.field(default=None, **PERSONAL)


@attrs.frozen(kw_only=True)
class InsightRequest(InsightRequestSummary):
    """A request for income or affordability insights, and the entity it is for."""

    entity_id: str | None = None
    entity_type: Open[EntityType] | None = None
