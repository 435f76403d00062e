"""The settings of one local Sikoia, validated before anything is built from them."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Literal, TypedDict, cast

import attrs

from sikoia_async.sandbox.clock import validate_clock_settings
from sikoia_async.sandbox.deliveries.payloads import EventShape, validate_shape
from sikoia_async.sandbox.jobs import KINDS
from sikoia_async.sandbox.middleware.idempotency import validate_reuse
from sikoia_async.sandbox.middleware.rate_limit import WindowKey, validate_window_key
from sikoia_async.sandbox.scenario_files.loader import Source, validate_sources
from sikoia_async.sandbox.scenarios.scenario import Scenario
from sikoia_async.sandbox.state import WORK_TIME
from sikoia_async.sandbox.validation import (
    validate_base,
    validate_clock,
    validate_datetime,
    validate_flag,
    validate_group,
    validate_header,
    validate_key,
    validate_mapping,
    validate_name,
    validate_number,
    validate_pauses,
    validate_seconds,
    validate_url,
    validate_whole,
)

__all__ = ["Credentials", "Options", "Rate", "Settings", "Time", "Wire"]


@attrs.frozen(kw_only=True)
class Rate:
    """The rate limit of a local Sikoia.

    Raises:
        ValueError: A field has another type, or is out of range.
    """

    requests_per_window: int = attrs.field(
        default=200, validator=validate_whole(" of at least 0", lambda limit: limit >= 0)
    )
    """The number of requests allowed in a window; a large one to have no limit."""
    window: float = attrs.field(default=60, validator=validate_seconds(zero=False))
    """The length of a window in seconds."""
    window_key: WindowKey = "organisation"
    """Whether the limit applies to the whole `organisation` or to each `token`."""
    retry_after: bool = attrs.field(default=True, validator=validate_flag)
    """Whether a 429 has a `Retry-After` header."""

    def __attrs_post_init__(self) -> None:
        validate_window_key(self.window_key)


@attrs.frozen(kw_only=True)
class Time:
    """The clock of a local Sikoia.

    Raises:
        ValueError: A field has another type, or is out of range.
    """

    speed: float = attrs.field(default=1, validator=validate_number)
    """Clock seconds per real second; at 0 the clock moves only when it is advanced."""
    epoch: datetime | None = attrs.field(default=None, validator=validate_datetime)
    """The time of day at which the clock starts; the real time by default."""
    clock: Callable[[], float] | None = attrs.field(default=None, validator=validate_clock)
    """A function that returns seconds, used instead of a clock that tests can advance."""

    def __attrs_post_init__(self) -> None:
        validate_clock_settings(self.speed, self.epoch, self.clock)


@attrs.frozen(kw_only=True)
class Credentials:
    """What a local Sikoia accepts as credentials.

    Raises:
        ValueError: A field has another type, or is out of range.
    """

    client_id: str | None = attrs.field(default=None, validator=validate_name)
    """The id of the only OAuth client; drawn from the seed by default."""
    client_secret: str | None = attrs.field(default=None, repr=False, validator=validate_name)
    """The client's secret; drawn from the seed and the URL by default."""
    api_key: str | None = attrs.field(default=None, repr=False, validator=validate_key)
    """A key accepted in the legacy header `apikey` instead of an access token."""
    token_life: float = attrs.field(default=300, validator=validate_seconds(zero=True))
    """Seconds until an access token expires."""


_validate_work_seconds = validate_seconds(zero=True, infinite=True)


def validate_work_time(settings: object, attribute: Any, value: Any) -> None:
    """Refuse what is neither seconds nor a dict of kinds of work and their seconds.

    Raises:
        ValueError: The value is neither, or a kind is unknown.
    """
    if not isinstance(value, Mapping):
        _validate_work_seconds(settings, attribute, value)
        return
    by_kind = cast("Mapping[Any, Any]", cast("object", value))
    for kind, seconds in by_kind.items():
        if kind not in KINDS:
            msg = f"{attribute.name}: expected seconds for some of {', '.join(KINDS)}"
            raise ValueError(msg)
        _validate_work_seconds(settings, attribute, seconds)


def _copied(pauses: Any) -> Any:
    """Return a copy of a list, which the caller cannot change later."""
    return tuple(cast("Any", pauses)) if isinstance(pauses, list) else pauses


@attrs.frozen(kw_only=True)
class Wire:
    """How a local Sikoia responds and sends webhooks where Sikoia's documentation is silent.

    Raises:
        ValueError: A field has another type, or is out of range.
    """

    echo_correlation: bool = attrs.field(default=True, validator=validate_flag)
    """Whether responses repeat a well-formed correlation id of the request."""
    idempotency_header: str | None = attrs.field(default=None, validator=validate_header)
    """The header that carries idempotency keys; keys are ignored by default."""
    idempotency_reuse: Literal["replay", "conflict"] = "replay"
    """What a second request with a key gets: the first response, or a 409 if it is another request;
    or a 409 in any case, as the guide words it."""
    refer_fails: bool = attrs.field(default=False, validator=validate_flag)
    """Whether a check with the decision `Refer`, and no `Fail`, is `Failed` instead of
    `Complete`."""
    all_completeness_rules: bool = attrs.field(default=True, validator=validate_flag)
    """Whether a completeness and income check runs the rules of all checks for the type of entity,
    or only those of the check in the request."""
    answers_202: bool = attrs.field(default=False, validator=validate_flag)
    """Whether starting an operation returns 202 with a `Location` instead of 201."""
    picklist_base: Literal[0, 1] = 1
    """The index of the first company in a picklist."""
    refuse_insights_without_data: bool = attrs.field(default=False, validator=validate_flag)
    """Whether affordability and income requests for an entity without a `Complete` data source are
    refused with a 400. By default they end as `Failed`."""
    return_url: str | None = attrs.field(default=None, validator=validate_url)
    """Where the pages behind `bank_connection_url`, `verification_url` and `direct_url` lead to
    when the visitor is done. By default, they stay on the page."""
    refuse_refresh_after_expiry: bool = attrs.field(default=True, validator=validate_flag)
    """Whether a refresh of an account after its `datetime_expiry` is refused with a 400. Otherwise
    it is accepted and changes nothing."""
    delivery_retries: Sequence[float] = attrs.field(
        default=(1, 5, 25), converter=_copied, validator=validate_pauses
    )
    """Clock seconds before each retry of a webhook delivery."""
    delivery_timeout: float = attrs.field(default=5, validator=validate_seconds(zero=False))
    """Real seconds until a receiver has to respond to a delivery."""
    event_shape: EventShape = "full"
    """What webhooks receive: the `full` payload, the `bare` one, which lacks `event_type` and
    `grouping_id`, or the return value of a function of the payload."""

    def __attrs_post_init__(self) -> None:
        validate_base(self.picklist_base)
        validate_reuse(self.idempotency_reuse)
        validate_shape(self.event_shape)


class Options(TypedDict, total=False):
    """The keyword arguments of `create_app` and `Sandbox`; `Settings` documents each of them."""

    rate: Rate
    time: Time
    credentials: Credentials
    wire: Wire
    seed: int
    work_time: float | Mapping[str, float]
    prices: Mapping[str, int] | None
    scenarios: Sequence[Scenario | Source]


@attrs.frozen(kw_only=True)
class Settings:
    """How one local Sikoia behaves.

    Types and ranges are validated here. Scenario files and the names of prices are validated when
    the application is built, because they depend on its operations.

    Raises:
        ValueError: A setting has another type, or is out of range.
    """

    url: str = "https://sandbox.example"
    """The base URL of the API; the scope of its tokens is derived from it."""
    rate: Rate = attrs.field(factory=Rate, validator=validate_group(Rate))
    """The rate limit."""
    time: Time = attrs.field(factory=Time, validator=validate_group(Time))
    """The clock."""
    credentials: Credentials = attrs.field(
        factory=Credentials, validator=validate_group(Credentials)
    )
    """The credentials that are accepted, and the lifetime of tokens."""
    wire: Wire = attrs.field(factory=Wire, validator=validate_group(Wire))
    """How it responds and sends webhooks where Sikoia's documentation is silent."""
    seed: int = attrs.field(default=0, validator=validate_whole("", lambda _: True))
    """The source of all ids and data: the same seed gives the same ids in the same order."""
    work_time: float | Mapping[str, float] = attrs.field(
        default=WORK_TIME, validator=validate_work_time
    )
    """Seconds for which an operation stays pending; `math.inf` for ever. A dict has seconds for
    some kinds of work, named as in `Job.kind`; other kinds then take half a second."""
    prices: Mapping[str, int] | None = attrs.field(default=None, validator=validate_mapping)
    """Prices in credits by operation name; by default every chargeable operation costs 1."""
    scenarios: Sequence[Scenario | Source] = ()
    """Scenarios, and paths of TOML files with scenarios and faults."""

    def __attrs_post_init__(self) -> None:
        validate_sources(self.scenarios)
