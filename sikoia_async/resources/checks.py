"""Validation checks: whether what an entity has provided is complete, rule by rule.

Sources: https://docs.sikoia.com/docs/how-completeness-checklist-work, and the operations named in
each method.
"""

import datetime as dt
from collections.abc import Sequence
from typing import Literal

import attrs

from sikoia_async._calls.api import Api
from sikoia_async._validation import validate_id
from sikoia_async.models import PERSONAL, EntityType, HasEntity, Items, Model, Open, SourceCategory
from sikoia_async.operations.operation import Operation
from sikoia_async.operations.registry import OperationKind
from sikoia_async.resources._entities import in_body, in_path
from sikoia_async.resources._request_models import checked_models
from sikoia_async.resources.income import IncomeReport

__all__ = [
    "Check",
    "CheckDecision",
    "CheckRequests",
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
CheckDecision = Literal["Pass", "Refer", "Fail"]


@attrs.frozen(kw_only=True)
class CheckType(Model):
    """A check that can be run."""

    validation_type_id: str
    validation_check_name: str | None = None
    """Such as `Last 3 months of payslips`."""
    validation_description: str | None = None
    entity_type: Open[EntityType] | None = None
    """What it can be run on."""


@attrs.frozen(kw_only=True)
class ChecklistParameter(Model):
    """A data source to look at, in place of all that the entity has."""

    source_id: str | None = None
    """The id of a document, or of an account of open banking."""
    source_category_type: Open[SourceCategory] | None = None
    """`Document` or `OpenBanking`, to go with the id."""


@attrs.frozen(kw_only=True)
class CheckSummary(Model):
    """A check that was run, as lists show it."""

    validation_instance_id: str
    validation_type_id: str | None = None
    """Which check it is; the id of this run is the other one."""
    status: Open[CheckStatus] | None = None
    """`Failed` is a result, too: a rule was broken."""
    datetime_requested: dt.datetime | None = None
    datetime_completed: dt.datetime | None = None
    message: str | None = attrs.field(default=None, **PERSONAL)


@attrs.frozen(kw_only=True)
class CheckRequests(Model):
    """The checks that were run on an entity."""

    entity_id: str | None = None
    entity_type: Open[EntityType] | None = None
    validation_check_requests: tuple[CheckSummary, ...] | None = None


@attrs.frozen(kw_only=True)
class CheckSource(Model):
    """What a rule looked at."""

    source_id: str | None = None
    """The id of a document, or of an account of open banking."""
    source_category_type: Open[SourceCategory] | None = None
    source_uri: str | None = None
    """Where the API has it. Read it with `documents.retrieve(source_id)`, or of open banking
    `banking.account(source_id)`: asking at the address needs a token."""
    date: dt.date | None = None
    """The day that the source itself bears."""


@attrs.frozen(kw_only=True)
class CheckRule(Model):
    """A rule of a check, and what came of it."""

    rule_name: str | None = None
    decision: Open[CheckDecision] | None = None
    """`Refer` asks a person to decide."""
    recipient: str | None = attrs.field(default=None, **PERSONAL)
    """Whose documents it is about."""
    message: str | None = attrs.field(default=None, **PERSONAL)
    sources: tuple[CheckSource, ...] | None = None


@attrs.frozen(kw_only=True)
class Check(CheckSummary):
    """A check that was run. It stays as it is: run it again when there are new documents."""

    validation_check_name: str | None = None
    entity_id: str | None = None
    entity_type: Open[EntityType] | None = None
    checklist_params: tuple[ChecklistParameter, ...] | None = None
    rules: tuple[CheckRule, ...] | None = None
    """None while the status is `Pending`."""


@attrs.frozen(kw_only=True)
class CompletenessAndIncome(Model):
    """A check, and the income report that was begun because the check passed."""

    completness_verification: Check | None = None
    """Spelt as on the wire; `completeness_verification` is the same."""
    income_verification: IncomeReport | None = None
    """None where the check failed; otherwise `Pending` as a rule: wait for it with
    `await sikoia.income.operation(income_verification.request_id)`."""

    @property
    def completeness_verification(self) -> Check | None:
        """The check."""
        return self.completness_verification


@attrs.frozen
class Checks:
    """`sikoia.checks`."""

    _api: Api

    async def types(self) -> Items[CheckType]:
        """Return the checks that can be run (`GET /v2/validation-checks/validation-types`)."""
        return await self._api.get("/v2/validation-checks/validation-types", Items[CheckType])

    async def run(
        self,
        entity: HasEntity,
        validation_type_id: str,
        *,
        checklist_params: Sequence[ChecklistParameter] | None = None,
    ) -> Operation[Check]:
        """Run a check on an entity (`POST /v2/validation-checks`).

        The operation gives the check when its status is `Complete` or `Failed`; `Failed` means
        that a rule was broken, and raises no error. It waits for 300 s if not told otherwise.

        Args:
            entity: what to check.
            validation_type_id: which check to run: one of `types`, for this type of entity.
            checklist_params: data sources to look at, in place of all that the entity has.

        Raises:
            InvalidRequestError: there is no such entity, or no such check for it.
        """
        first = await self._api.post(
            "/v2/validation-checks",
            Check,
            body={
                "validation_type_id": validate_id("validation_type_id", validation_type_id),
                **in_body(entity),
                "checklist_params": checked_models(
                    "checklist_params", checklist_params, ChecklistParameter
                ),
            },
        )
        return self._operation(first.validation_instance_id, first)

    def operation(self, validation_instance_id: str) -> Operation[Check]:
        """Return the operation of a check that was run before, to wait for it.

        Raises:
            ConfigurationError: this is no id.
        """
        return self._operation(validate_id("validation_instance_id", validation_instance_id))

    async def list(self, entity: HasEntity) -> CheckRequests:
        """Return the checks so far (`GET /v2/{entity_type}/{entity_id}/validation-checks`).

        Raises:
            ResourceNotFoundError: there is no such entity.
        """
        return await self._api.get(
            "/v2/{entity_type}/{entity_id}/validation-checks", CheckRequests, **in_path(entity)
        )

    async def retrieve(self, validation_instance_id: str) -> Check:
        """Return a check (`GET /v2/validation-checks/{validation_instance_id}`).

        Raises:
            ResourceNotFoundError: no check was run under this id.
        """
        return await self._api.get(
            "/v2/validation-checks/{validation_instance_id}",
            Check,
            validation_instance_id=validation_instance_id,
        )

    async def completeness_and_income(
        self,
        entity: HasEntity,
        validation_type_id: str,
        *,
        checklist_params: Sequence[ChecklistParameter] | None = None,
    ) -> CompletenessAndIncome:
        """Run a check, and an income report if it passes (`POST /v2/completeness-income-checks`).

        Sikoia may take its time to answer: `with_options(timeout=...)` gives it more. There may be
        no income report when the check has failed.

        May cost credits: it is never sent twice on our own initiative. The arguments are those of
        `run`.

        Raises:
            InvalidRequestError: there is no such entity, or no such check for it.
            DeadlineExceededError: no answer in time; the work may go on, so look at `list` before
                you ask again.
        """
        return await self._api.buy(
            "/v2/completeness-income-checks",
            CompletenessAndIncome,
            body={
                "validation_type_id": validate_id("validation_type_id", validation_type_id),
                **in_body(entity),
                "checklist_params": checked_models(
                    "checklist_params", checklist_params, ChecklistParameter
                ),
            },
        )

    def _operation(self, instance_id: str, first: Check | None = None) -> Operation[Check]:
        return self._api.operation(
            _OPERATION, (instance_id,), lambda api: Checks(api).retrieve(instance_id), first
        )


_OPERATION = OperationKind(name="check", done=frozenset({"Complete", "Failed"}), failed=frozenset())
