"""Searches for politically exposed persons (PEPs), sanctions and adverse media.

The API returns the number of matches; their details are only in Sikoia's dashboard.

Source: the operation named in each method.
"""

from datetime import UTC, date, datetime, time
from typing import Final, Literal

import attrs

from sikoia_async._errors import ArgumentError, ArgumentTypeError
from sikoia_async._validation import validate_flags, validate_fraction, validate_strings
from sikoia_async.models import PERSONAL, EntityType, HasEntity, Items, Model, Open
from sikoia_async.resources._entities import in_body, in_path
from sikoia_async.resources._resource import Resource

__all__ = ["Screening", "ScreeningSearch", "ScreeningStatus"]

ScreeningStatus = Literal["Complete", "Failed"]
"""The status of a search: `Complete` or `Failed`."""


@attrs.frozen(kw_only=True)
class ScreeningSearch(Model):
    """A search for an entity, with the number of matches."""

    request_id: str
    search_ref: str | None = None
    """The data provider's id for the search."""
    status: Open[ScreeningStatus] | None = None
    entity_type: Open[EntityType] | None = None
    entity_id: str | None = None
    search_term: str | None = attrs.field(default=None, **PERSONAL)
    """The name that was searched for."""
    birthdate: date | None = attrs.field(default=None, **PERSONAL)
    """The date of birth. In requests the API spells this field `birth_date`."""
    monitored: bool | None = None
    """Whether the provider keeps searching and updates the search with new matches."""
    datetime_requested: datetime | None = None
    total_matches: int | None = None
    """The number of potential matches; 0 if there are none."""
    search_certificate_uri: str | None = attrs.field(default=None, **PERSONAL)
    """A link to a PDF about the search. Anyone with the link can read it until it expires, minutes
    after the response; list the searches for a new link."""


class Screening(Resource):
    """Searches for PEPs, sanctions and adverse media, as `sikoia.screening`."""

    async def search_peps_sanctions(
        self,
        entity: HasEntity,
        /,
        *,
        search_term: str | None = None,
        birth_date: date | datetime | None = None,
        monitored: bool | None = None,
        fuzziness: float | None = None,
    ) -> ScreeningSearch:
        """Search for an entity in lists of PEPs and sanctions (`POST /v2/peps-sanctions`).

            search = await sikoia.screening.search_peps_sanctions(person)

        May cost credits: never retried automatically once Sikoia may have processed it.

        Args:
            entity: the case, company or person to search for.
            search_term: the name to search for; the entity's own by default. Required for a case.
            birth_date: narrows down the search for a person. A `date` is sent as midnight UTC; a
                `datetime` must have a time zone.
            monitored: whether the provider should keep searching afterwards; True by default.
            fuzziness: how much spellings may differ, from 0 to 1.

        Returns:
            The search with the number of matches.

        Raises:
            ArgumentError: a case without a search term, or a value that is not valid.
            ResourceNotFoundError: the entity does not exist.
        """
        return await self._api.buy(
            "/v2/peps-sanctions",
            ScreeningSearch,
            body={
                "search_term": _search_term(entity, search_term),
                **in_body(entity),
                "birth_date": _as_datetime(birth_date),
                **validate_flags(monitored=monitored),
                "fuzziness": validate_fraction("fuzziness", fuzziness),
            },
        )

    async def list_peps_sanctions(self, entity: HasEntity, /) -> Items[ScreeningSearch]:
        """List the searches for an entity (`GET /v2/{entity_type}/{entity_id}/peps-sanctions`).

            searches = await sikoia.screening.list_peps_sanctions(person)

        Args:
            entity: the case, company or person.

        Raises:
            ArgumentError: the argument is not an entity.
            ResourceNotFoundError: the entity does not exist.
        """
        return await self._api.get(
            "/v2/{entity_type}/{entity_id}/peps-sanctions",
            Items[ScreeningSearch],
            **in_path(entity),
        )

    async def search_adverse_media(
        self,
        entity: HasEntity,
        /,
        *,
        search_term: str | None = None,
        birth_date: date | datetime | None = None,
        monitored: bool | None = None,
        fuzziness: float | None = None,
    ) -> ScreeningSearch:
        """Search the news for adverse media about an entity (`POST /v2/adverse-media`).

            search = await sikoia.screening.search_adverse_media(person)

        May cost credits: never retried automatically once Sikoia may have processed it.

        Args:
            entity: the case, company or person to search for.
            search_term: the name to search for; the entity's own by default. Required for a case.
            birth_date: narrows down the search for a person. A `date` is sent as midnight UTC; a
                `datetime` must have a time zone.
            monitored: whether the provider should keep searching afterwards; True by default.
            fuzziness: how much spellings may differ, from 0 to 1.

        Returns:
            The search with the number of matches.

        Raises:
            ArgumentError: a case without a search term, or a value that is not valid.
            ResourceNotFoundError: the entity does not exist.
        """
        return await self._api.buy(
            "/v2/adverse-media",
            ScreeningSearch,
            body={
                "search_term": _search_term(entity, search_term),
                **in_body(entity),
                "birth_date": _as_datetime(birth_date),
                **validate_flags(monitored=monitored),
                "fuzziness": validate_fraction("fuzziness", fuzziness),
            },
        )

    async def list_adverse_media(self, entity: HasEntity, /) -> Items[ScreeningSearch]:
        """List the searches for an entity (`GET /v2/{entity_type}/{entity_id}/adverse-media`).

            searches = await sikoia.screening.list_adverse_media(person)

        Args:
            entity: the case, company or person.

        Raises:
            ArgumentError: the argument is not an entity.
            ResourceNotFoundError: the entity does not exist.
        """
        return await self._api.get(
            "/v2/{entity_type}/{entity_id}/adverse-media",
            Items[ScreeningSearch],
            **in_path(entity),
        )


_MIDNIGHT: Final = time(tzinfo=UTC)


def _search_term(entity: HasEntity, search_term: str | None) -> str | None:
    """Return the search term, which a case needs because its own name is not a name to search."""
    term = validate_strings(search_term=search_term)["search_term"]
    if in_body(entity)["entity_type"] == "case" and not (term or "").strip():
        msg = "search_term: expected the name to search for, because the entity is a case"
        raise ArgumentError(msg)
    return term


def _as_datetime(birth_date: object) -> datetime | None:
    """Return a date as midnight UTC, because the API takes a date and time."""
    msg = "birth_date: expected a date, or a datetime with a time zone"
    if isinstance(birth_date, datetime) and birth_date.tzinfo is None:
        raise ArgumentError(msg)
    if birth_date is None or isinstance(birth_date, datetime):
        return birth_date
    if isinstance(birth_date, date):
        return datetime.combine(birth_date, _MIDNIGHT)
    raise ArgumentTypeError(msg)
