"""The settings of one local Sikoia, validated before anything is built from them."""

import math
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Literal, TypedDict

import attrs

from sikoia_async.sandbox.deliveries.payloads import EventShape, validate_shape
from sikoia_async.sandbox.middleware.rate_limit import WindowKey, validate_window_key
from sikoia_async.sandbox.scenario_files.loader import Source
from sikoia_async.sandbox.scenarios.scenario import Scenario

__all__ = ["Options", "Settings"]


class Options(TypedDict, total=False):
    """The keyword arguments of `create_app` and `Sandbox`; `Settings` documents each of them."""

    client_id: str | None
    client_secret: str | None
    api_key: str | None
    token_life: float
    limit: int
    per: float
    window_key: WindowKey
    retry_after: bool
    echo_correlation: bool
    idempotency_header: str | None
    accepted: bool
    picklist_base: Literal[0, 1]
    clock: Callable[[], float] | None
    speed: float
    epoch: datetime | None
    seed: int
    work_time: float
    delivery_retries: Sequence[float]
    delivery_timeout: float
    event_shape: EventShape
    prices: Mapping[str, int] | None
    scenarios: Sequence[Scenario | Source]


@attrs.frozen(kw_only=True)
class Settings:
    """How one local Sikoia behaves.

    `Clock` validates `clock`, `speed` and `epoch`. Scenario files and prices are validated
    when the application is built, because they depend on its operations.
    """

    url: str = "https://sandbox.example"
    """The base URL of the API; the scope of its tokens is derived from it."""
    client_id: str | None = None
    """The id of the only OAuth client; drawn from the seed by default."""
    client_secret: str | None = attrs.field(default=None, repr=False)
    """The client's secret; drawn from the seed and the URL by default."""
    api_key: str | None = attrs.field(default=None, repr=False)
    """A key accepted in the legacy header `apikey` instead of an access token."""
    token_life: float = 300
    """Seconds until an access token expires."""
    limit: int = 200
    """The number of requests allowed in a rate-limit window."""
    per: float = 60
    """The length of a rate-limit window in seconds."""
    window_key: WindowKey = "organisation"
    """Whether the limit applies to the whole `organisation` or to each `token`."""
    retry_after: bool = True
    """Whether a 429 has a `Retry-After` header."""
    echo_correlation: bool = True
    """Whether responses repeat a well-formed correlation id of the request."""
    idempotency_header: str | None = None
    """The header that carries idempotency keys; keys are ignored by default."""
    accepted: bool = False
    """Whether starting an operation returns 202 with a `Location` instead of 201."""
    picklist_base: Literal[0, 1] = 1
    """The index of the first company in a picklist."""
    clock: Callable[[], float] | None = None
    """A function that returns seconds, used instead of a clock that tests can advance."""
    speed: float = 1
    """Clock seconds per real second; at 0 the clock moves only when it is advanced."""
    epoch: datetime | None = None
    """The time of day at which the clock starts; the real time by default."""
    seed: int = 0
    """The source of all ids and data: the same seed gives the same ids in the same order."""
    work_time: float = 0.5
    """Seconds for which an operation stays pending."""
    delivery_retries: Sequence[float] = attrs.field(default=(1, 5, 25), converter=tuple[float, ...])
    """Clock seconds before each retry of a webhook delivery."""
    delivery_timeout: float = 5
    """Real seconds until a receiver has to respond to a delivery."""
    event_shape: EventShape = "full"
    """What webhooks receive: the `full` payload, the `bare` one, which lacks `event_type` and
    `grouping_id`, or the return value of a function of the payload."""
    prices: Mapping[str, int] | None = None
    """Prices in credits by operation name; by default every chargeable operation costs 1."""
    scenarios: Sequence[Scenario | Source] = ()
    """Scenarios, and paths of TOML files with scenarios and faults."""

    def __attrs_post_init__(self) -> None:
        validate_window_key(self.window_key)
        validate_shape(self.event_shape)
        if not all(0 <= pause < math.inf for pause in self.delivery_retries):
            msg = "delivery_retries: expected seconds, zero or more"
            raise ValueError(msg)
        if not 0 < self.delivery_timeout < math.inf:
            msg = "delivery_timeout: expected seconds, more than zero"
            raise ValueError(msg)
