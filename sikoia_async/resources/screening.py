"""Searches for politically exposed persons (PEPs), sanctions and adverse media.

An answer tells how many matches there are; what they say is in Sikoia's dashboard only.
Sources: the operations named in each method.
"""

from datetime import UTC, date, datetime, time
from typing import Final, Literal

import attrs

from sikoia_async._calls.api import Api
from sikoia_async._errors import ArgumentTypeError, ConfigurationError
from sikoia_async._validation import validate_flags, validate_fraction, validate_strings
from sikoia_async.models import PERSONAL, EntityType, HasEntity, Items, Model, Open
from sikoia_async.resources._entities import in_body, in_path

__all__ = ["Screening", "ScreeningSearch", "ScreeningStatus"]

ScreeningStatus = Literal["Complete", "Failed"]


@attrs.frozen(kw_only=True)
class ScreeningSearch(Model):
    """A search for an entity, and how much it found."""

    request_id: str
    search_ref: str | None = None
    """The data provider's id of the search."""
    status: Open[ScreeningStatus] | None = None
    entity_type: Open[EntityType] | None = None
    entity_id: str | None = None
    search_term: str | None = attrs.field(default=None, **PERSONAL)
    """The name that was searched for."""
    birthdate: date | None = attrs.field(default=None, **PERSONAL)
    """Sent as `birth_date`: the API spells it in two ways."""
    monitored: bool | None = None
    """Whether the provider goes on looking, and updates the search when it finds more."""
    datetime_requested: datetime | None = None
    total_matches: int | None = None
    """How many matches are possible; 0 means that none was found."""
    search_certificate_uri: str | None = attrs.field(default=None, **PERSONAL)
    """A PDF about the search. Whoever has the link may read it, until it expires: minutes after
    the answer. List the searches for a new one."""


@attrs.frozen
class Screening:
    """`sikoia.screening`."""

    _api: Api

    async def search_peps_sanctions(
        self,
        entity: HasEntity,
        *,
        search_term: str | None = None,
        birth_date: date | datetime | None = None,
        monitored: bool | None = None,
        fuzziness: float | None = None,
    ) -> ScreeningSearch:
        """Look for an entity in lists of PEPs and sanctions (`POST /v2/peps-sanctions`).

        May cost credits: it is never sent twice on our own initiative.

        Args:
            entity: what to search for.
            search_term: the name to search for in place of the entity's; a case needs one.
            birth_date: makes the search for a person more exact. A `date` is sent as its midnight
                in UTC; a `datetime` as it is, and it must have a zone.
            monitored: whether to go on looking after this search; true if left out.
            fuzziness: how far spellings may differ, from 0 to 1.

        Raises:
            ConfigurationError: a case without a term, or a value that cannot be sent.
            ResourceNotFoundError: there is no such entity.
        """
        return await self._api.buy(
            "/v2/peps-sanctions",
            ScreeningSearch,
            body={
                "search_term": _search_term(entity, search_term),
                **in_body(entity),
                "birth_date": _moment(birth_date),
                **validate_flags(monitored=monitored),
                "fuzziness": validate_fraction("fuzziness", fuzziness),
            },
        )

    async def list_peps_sanctions(self, entity: HasEntity) -> Items[ScreeningSearch]:
        """Return the searches so far (`GET /v2/{entity_type}/{entity_id}/peps-sanctions`).

        Raises:
            ResourceNotFoundError: there is no such entity.
        """
        return await self._api.get(
            "/v2/{entity_type}/{entity_id}/peps-sanctions",
            Items[ScreeningSearch],
            **in_path(entity),
        )

    async def search_adverse_media(
        self,
        entity: HasEntity,
        *,
        search_term: str | None = None,
        birth_date: date | datetime | None = None,
        monitored: bool | None = None,
        fuzziness: float | None = None,
    ) -> ScreeningSearch:
        """Look for bad news about an entity (`POST /v2/adverse-media`).

        May cost credits: it is never sent twice on our own initiative. The arguments are those of
        `search_peps_sanctions`.

        Raises:
            ConfigurationError: a case without a term, or a value that cannot be sent.
            ResourceNotFoundError: there is no such entity.
        """
        return await self._api.buy(
            "/v2/adverse-media",
            ScreeningSearch,
            body={
                "search_term": _search_term(entity, search_term),
                **in_body(entity),
                "birth_date": _moment(birth_date),
                **validate_flags(monitored=monitored),
                "fuzziness": validate_fraction("fuzziness", fuzziness),
            },
        )

    async def list_adverse_media(self, entity: HasEntity) -> Items[ScreeningSearch]:
        """Return the searches so far (`GET /v2/{entity_type}/{entity_id}/adverse-media`).

        Raises:
            ResourceNotFoundError: there is no such entity.
        """
        return await self._api.get(
            "/v2/{entity_type}/{entity_id}/adverse-media",
            Items[ScreeningSearch],
            **in_path(entity),
        )


_MIDNIGHT: Final = time(tzinfo=UTC)


def _search_term(entity: HasEntity, search_term: str | None) -> str | None:
    """Return the term; the name of a case is not what is searched for, so a case must have one."""
    validate_strings(search_term=search_term)
    if in_body(entity)["entity_type"] == "case" and not (search_term or "").strip():
        msg = "search_term: give the name to search for, as the entity is a case"
        raise ConfigurationError(msg)
    return search_term


def _moment(birth_date: object) -> datetime | None:
    """Return a date as the moment that goes over the wire: its midnight in UTC."""
    if isinstance(birth_date, datetime) and birth_date.tzinfo is None:
        msg = "birth_date: give a date, or a datetime that has a zone"
        raise ConfigurationError(msg)
    if birth_date is None or isinstance(birth_date, datetime):
        return birth_date
    if isinstance(birth_date, date):
        return datetime.combine(birth_date, _MIDNIGHT)
    msg = "birth_date: give a date, or a datetime that has a zone"
    raise ArgumentTypeError(msg)
