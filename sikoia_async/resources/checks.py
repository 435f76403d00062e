"""Validation checks: whether an entity's documents and bank data are complete, rule by rule.

Sources: https://docs.sikoia.com/docs/how-completeness-checklist-work, and the operation named in
each method.
"""

import datetime as dt
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final, Literal
from uuid import UUID

import attrs

from sikoia_async._calls.api import Api
from sikoia_async._validation import plain_id_or_none
from sikoia_async.models import PERSONAL, EntityType, HasEntity, Items, Model, Open, SourceCategory
from sikoia_async.operations.kinds import OperationKind
from sikoia_async.operations.operation import Operation, RequestedOperation
from sikoia_async.resources._entities import in_body, in_path
from sikoia_async.resources._request_models import validate_models
from sikoia_async.resources._resource import Resource
from sikoia_async.resources._subjects import Subject
from sikoia_async.resources.income import IncomeReport

__all__ = [
    "Check",
    "CheckDecision",
    "CheckRule",
    "CheckSource",
    "CheckStatus",
    "CheckSummary",
    "CheckType",
    "ChecklistParameter",
    "Checks",
    "CompletenessAndIncome",
]

CheckStatus = Literal["Pending", "Complete", "Failed"]
"""The status of a check: `Pending`, `Complete`, or `Failed` if at least one rule failed."""
CheckDecision = Literal["Pass", "Refer", "Fail"]
"""The decision of a rule: `Pass`, `Refer` to a person, or `Fail`."""


@attrs.frozen(kw_only=True)
class CheckType(Model):
    """A type of check that you can run."""

    validation_type_id: str
    validation_check_name: str | None = None
    """Such as `Last 3 months of payslips`."""
    validation_description: str | None = None
    entity_type: Open[EntityType] | None = None
    """The type of entity that it can be run on."""


@attrs.frozen(kw_only=True)
class ChecklistParameter(Model):
    """A data source to limit a check to."""

    source_id: str | None = attrs.field(default=None, converter=plain_id_or_none)
    """A `document_id`, or the `account_connection_id` of an open-banking account."""
    source_category_type: Open[SourceCategory] | None = None
    """What `source_id` refers to: `Document` or `OpenBanking`."""


@attrs.frozen(kw_only=True)
class CheckSummary(Model):
    """A run of a check, as it appears in lists."""

    validation_instance_id: str
    """The id of this run."""
    validation_type_id: str | None = None
    """The type of check; see `Checks.types`."""
    status: Open[CheckStatus] | None = None
    """`Failed` is a result: at least one rule failed."""
    datetime_requested: dt.datetime | None = None
    datetime_completed: dt.datetime | None = None
    message: str | None = attrs.field(default=None, **PERSONAL)


@attrs.frozen(kw_only=True)
class CheckRequests(Model):
    """The response of `list`."""

    entity_id: str | None = None
    entity_type: Open[EntityType] | None = None
    validation_check_requests: tuple[CheckSummary, ...] | None = None


@attrs.frozen(kw_only=True)
class CheckSource(Model):
    """A data source that a rule examined."""

    source_id: str | None = None
    """A `document_id`, or the `account_connection_id` of an open-banking account."""
    source_category_type: Open[SourceCategory] | None = None
    source_uri: str | None = None
    """The URL of the source in Sikoia's API, which needs an access token. Use
    `documents.retrieve(source_id)` or `banking.account(source_id)` instead."""
    date: dt.date | None = None
    """The date on the source itself."""


@attrs.frozen(kw_only=True)
class CheckRule(Model):
    """A rule of a check, with its decision."""

    rule_name: str | None = None
    decision: Open[CheckDecision] | None = None
    """`Refer` means that a person has to decide."""
    recipient: str | None = attrs.field(default=None, **PERSONAL)
    """The person whose documents the rule examined."""
    message: str | None = attrs.field(default=None, **PERSONAL)
    sources: tuple[CheckSource, ...] | None = None


@attrs.frozen(kw_only=True)
class Check(CheckSummary):
    """A run of a check, with its rules.

    The result never changes; run the check again when there are new documents.
    """

    validation_check_name: str | None = None
    entity_id: str | None = None
    entity_type: Open[EntityType] | None = None
    checklist_params: tuple[ChecklistParameter, ...] | None = None
    rules: tuple[CheckRule, ...] | None = None
    """None while the status is `Pending`."""


@attrs.frozen(kw_only=True)
class CompletenessAndIncome(Model):
    """A completeness check, and the income verification that starts if the check passes."""

    completness_verification: Check | None = None
    """The check, misspelt as on the wire; use `completeness_verification`."""
    income_verification: IncomeReport | None = None
    """None if the check failed. Otherwise usually `Pending`: wait for it with
    `await sikoia.income.operation(income_verification.request_id)`."""

    @property
    def completeness_verification(self) -> Check | None:
        """The completeness check."""
        return self.completness_verification


class Checks(Resource):
    """Validation checks of an entity's documents and bank data, as `sikoia.checks`."""

    async def types(self) -> Items[CheckType]:
        """List the types of checks (`GET /v2/validation-checks/validation-types`).

            types = await sikoia.checks.types()

        Each type is for one type of entity, and `run` takes it.
        """
        return await self._api.get("/v2/validation-checks/validation-types", Items[CheckType])

    async def run(
        self,
        entity: HasEntity,
        /,
        validation_type: CheckType | str | UUID,
        *,
        checklist_params: Sequence[ChecklistParameter] | None = None,
    ) -> RequestedOperation[Check]:
        """Run a check on an entity (`POST /v2/validation-checks`).

            check = await (await sikoia.checks.run(person, validation_type))

        Await the operation for the check, which is done when its status is `Complete` or `Failed`.
        `Failed` means that at least one rule failed; it raises no error. Waits up to 300 s by
        default.

        Args:
            entity: the case, company or person to check.
            validation_type: the type of check, or its `validation_type_id`; one from `types` for
                this type of entity.
            checklist_params: data sources to limit the check to; all of the entity's by default.

        Returns:
            The operation; awaiting it gives the check.

        Raises:
            ArgumentError: an argument is not valid.
            InvalidRequestError: the entity or the type of check does not exist, or they do not go
                together.
        """
        first = await self._api.post(
            "/v2/validation-checks",
            Check,
            body={
                **in_body(entity),
                **_fields(
                    validation_type_id=_TYPE.id_of(validation_type),
                    checklist_params=checklist_params,
                ),
            },
        )
        ids = (first.validation_instance_id,)
        return self._api.requested(_OPERATION, ids, _retrieve(*ids), first)

    def operation(self, check: CheckSummary | str | UUID, /) -> Operation[Check]:
        """Return the operation of an earlier check, to wait for its result.

            check = await sikoia.checks.operation(validation_instance_id)

        Args:
            check: the run of a check, or its `validation_instance_id`.

        Raises:
            ArgumentError: the argument is neither a run of a check nor a valid id.
        """
        instance_id = _CHECK.id_of(check)
        return self._api.operation(_OPERATION, (instance_id,), _retrieve(instance_id))

    async def list(self, entity: HasEntity, /) -> Items[CheckSummary]:
        """List the checks run on an entity (`GET /v2/{entity_type}/{entity_id}/validation-checks`).

            checks = await sikoia.checks.list(person)

        Args:
            entity: the case, company or person.

        Raises:
            ArgumentError: the argument is not an entity.
            ResourceNotFoundError: the entity does not exist.
        """
        return await self._api.items(
            "/v2/{entity_type}/{entity_id}/validation-checks",
            CheckRequests,
            lambda response: response.validation_check_requests,
            **in_path(entity),
        )

    async def retrieve(self, check: CheckSummary | str | UUID, /) -> Check:
        """Return a run of a check (`GET /v2/validation-checks/{validation_instance_id}`).

            check = await sikoia.checks.retrieve(validation_instance_id)

        Args:
            check: the run of a check, or its `validation_instance_id`.

        Raises:
            ArgumentError: the argument is neither a run of a check nor a valid id.
            ResourceNotFoundError: no run of a check has this id.
        """
        return await self._api.get(
            "/v2/validation-checks/{validation_instance_id}",
            Check,
            validation_instance_id=_CHECK.id_of(check),
        )

    async def run_with_income(
        self,
        entity: HasEntity,
        /,
        validation_type: CheckType | str | UUID,
        *,
        checklist_params: Sequence[ChecklistParameter] | None = None,
    ) -> CompletenessAndIncome:
        """Run a check and, if it passes, start an income verification.

            both = await sikoia.checks.run_with_income(person, validation_type)

        Operation: `POST /v2/completeness-income-checks`. Sikoia may take a while to respond;
        `with_options(timeout=...)` allows more time.

        May cost credits: never retried automatically once Sikoia may have processed it.

        Args:
            entity: the case, company or person to check.
            validation_type: the type of check, or its `validation_type_id`; one from `types` for
                this type of entity.
            checklist_params: data sources to limit the check to; all of the entity's by default.

        Returns:
            The check, and the income verification if the check passed.

        Raises:
            ArgumentError: an argument is not valid.
            InvalidRequestError: the entity or the type of check does not exist, or they do not go
                together.
            DeadlineExceededError: no response within the timeout. Sikoia may still be working, so
                look at `list` before you repeat the call.
        """
        return await self._api.buy(
            "/v2/completeness-income-checks",
            CompletenessAndIncome,
            body={
                **in_body(entity),
                **_fields(
                    validation_type_id=_TYPE.id_of(validation_type),
                    checklist_params=checklist_params,
                ),
            },
        )


def _retrieve(instance_id: str) -> Callable[[Api], Awaitable[Check]]:
    return lambda api: Checks(api).retrieve(instance_id)


def _fields(
    *, validation_type_id: str, checklist_params: Sequence[ChecklistParameter] | None
) -> dict[str, Any]:
    return {
        "validation_type_id": validation_type_id,
        "checklist_params": validate_models(
            "checklist_params", checklist_params, ChecklistParameter
        ),
    }


_CHECK: Final = Subject("check", "validation_instance_id", CheckSummary)
_TYPE: Final = Subject("validation_type", "validation_type_id", CheckType)
_OPERATION = OperationKind(
    name="check",
    done=frozenset({"Complete", "Failed"}),
    failed=frozenset(),
    opener=lambda api, ids: Checks(api).operation(*ids),
)
OPERATION_KINDS = (_OPERATION,)
