"""OAuth client credentials: one access token for all calls, renewed before it expires.

With more than 120 s left, the access token is used. From 120 s to 30 s, one caller renews it while
the others keep using it. Under 30 s, one caller renews it and the others share its outcome, success
or failure. (An access token valid for less than ten minutes has shorter windows.) Its lifetime
comes from `expires_in` and is counted on a monotonic clock from the moment before the request, so
neither a clock change nor a slow response makes an expired token look valid.

After a failure, calls that need an access token raise the same error without a request: for one
second, and twice as long after each further failure.

Processes that share an access token renew it one at a time: see `shared_token`. The others
go on with one that is still valid, or wait. One that fails keeps the lock for its pause.
"""

from __future__ import annotations

import copy
import logging
import random
from contextlib import nullcontext
from http import HTTPStatus
from typing import TYPE_CHECKING, Final, Literal, cast
from urllib.parse import urlencode, urlsplit
from uuid import uuid4

import anyio
import attrs

from sikoia_async._auth.grant import Refusal, read_grant
from sikoia_async._errors import CallError, CallInfo, ConnectionFailedError, TokenError
from sikoia_async._logging import is_correlation_id
from sikoia_async._retry import policy
from sikoia_async._retry.attempts import Attempts
from sikoia_async._retry.budget import RetryBudget
from sikoia_async._retry.hedge import hedged
from sikoia_async._retry.policy import RetryPolicy
from sikoia_async._single_flight import NotShared, SingleFlight
from sikoia_async._transport.exchange import build_request, end_observed, exchange
from sikoia_async._transport.limits import Limits
from sikoia_async._transport.stopwatch import Stopwatch
from sikoia_async._transport.types import RequestState, Response, TransportFault, state_of
from sikoia_async.stores.account import account_key

if TYPE_CHECKING:
    from collections.abc import Callable

    import httpx

    from sikoia_async._auth.secret import Secret
    from sikoia_async._auth.shared_token import SharedToken
    from sikoia_async.environments import Environment
    from sikoia_async.observers._observers import Observers
    from sikoia_async.observers._pairs import ObservedCall
    from sikoia_async.stores.protocols import TokenStore

__all__ = ["ClientCredentials"]

_log = logging.getLogger("sikoia_async")

_ADVISORY: Final = 120.0
_MANDATORY: Final = 30.0
_ADVISORY_SHARE: Final = 0.2
_MANDATORY_SHARE: Final = 0.05
_EARLY_TIMEOUT: Final = 10.0
"""Seconds that one caller spends on renewing an access token that is still valid."""
_EARLY_SHARE: Final = 0.25
"""The same as a share of the caller's remaining time, most of which its own request needs."""
_SILENT_TIMEOUT: Final = 10.0
"""Seconds without a response after which a second request is sent beside the first; at most half of
the time that is left."""
_COOLDOWN: Final = 5.0
"""Seconds without another token request after a failed early renewal, a refusal, or the refusal of
an access token that was just fetched."""
_SHORTEST_PAUSE: Final = 1.0
_LONGEST_PAUSE: Final = 8.0
_MAX_DOUBLINGS: Final = 3
_LONGEST_RETRY_AFTER: Final = 60.0
"""Seconds of a Retry-After that are honoured."""
_PATIENCE: Final = 20.0
"""Seconds that calls wait for another process to renew an access token that has expired."""
_LOOKS: Final = (0.02, 0.25)
"""Seconds between two looks into the store: at first, and at most."""
_LEAST_LEFT: Final = 1.0
"""Seconds that a stored access token must have left to be used."""
_RETRIES: Final = 2
_LIMITS: Final = Limits(max_body=64 * 1024)
_CORRELATION: Final = "X-Correlation-Id"
_OTHERS_FAIL: Final = "another process renews the access token, and has not succeeded so far"
_NO_RESPONSE: Final = "no complete response from the authorization server"
_HOW_FAR: Final = {
    "unsent": "the authorization server could not be reached, and nothing was sent",
    "sent": _NO_RESPONSE,
    "partial": _NO_RESPONSE,
}


@attrs.frozen(eq=False, repr=False)
class _Token:
    value: str
    since: float
    expires: float
    advisory: float
    mandatory: float

    @classmethod
    def from_life(cls, value: str, since: float, life: float) -> _Token:
        advisory = min(_ADVISORY, life * _ADVISORY_SHARE)
        return cls(value, since, since + life, advisory, min(_MANDATORY, life * _MANDATORY_SHARE))


class _Outage:
    """A token endpoint that fails: its last error, and when to try again."""

    def __init__(self) -> None:
        self._error: CallError | None = None
        self._until = float("-inf")
        self._failures = 0
        self._others_since = self._others_until = float("-inf")
        """Since when another process has been renewing without success, and how long that counts if
        it is not seen again."""

    @property
    def is_ongoing(self) -> bool:
        """Whether the last token request failed."""
        return self._failures > 0

    @property
    def seconds(self) -> float:
        """How long to send nothing."""
        return max(0.0, self._until - anyio.current_time())

    @property
    def of_others(self) -> float:
        """For how many seconds another process has been renewing without success."""
        now = anyio.current_time()
        return now - self._others_since if now < self._others_until else 0.0

    def suspect(self) -> None:
        """Note that another process is renewing.

        Raises:
            CallError: the last error, if this process had one.
        """
        now = anyio.current_time()
        if now >= self._others_until:
            self._others_since = now
        self._others_until = now + _LONGEST_PAUSE
        if self._error is not None:
            raise copy.copy(self._error)

    def check(self) -> None:
        """Raise the last error again if no request may be sent yet."""
        if self._error is not None and anyio.current_time() < self._until:
            raise copy.copy(self._error)

    def begin(self, error: CallError, retry_after: float | None) -> None:
        """Record a failure, and pause for as long as the server asked or longer each time."""
        is_refusal = (
            isinstance(error, TokenError) and error.status < HTTPStatus.INTERNAL_SERVER_ERROR
        )
        pause = _SHORTEST_PAUSE * 2 ** min(self._failures, _MAX_DOUBLINGS)
        # Processes that take turns pause together for as long as one alone would.
        pause = min(_LONGEST_PAUSE, max(pause, self.of_others))
        pause = max(
            _COOLDOWN if is_refusal else pause, min(retry_after or 0.0, _LONGEST_RETRY_AFTER)
        )
        self._failures += 1
        self.pause(error, pause)

    def pause(self, error: CallError, seconds: float = _SHORTEST_PAUSE) -> None:
        """Send nothing for a while, with jitter so that processes do not retry in step."""
        jitter = random.random()  # noqa: S311 - no secrets
        # A copy, because the original holds the frames it was raised in.
        self._error = copy.copy(error)
        self._until = anyio.current_time() + seconds * (1 + jitter / 10)

    async def wait(self) -> None:
        """Sleep until a request may be sent.

        Raises:
            NotShared: that is after this caller's deadline.
        """
        seconds = self._until - anyio.current_time()
        if self._error is None or seconds <= 0:
            return
        if self._until >= anyio.current_effective_deadline():
            raise NotShared(copy.copy(self._error))
        await anyio.sleep(seconds)

    def end(self) -> None:
        """Forget the failures after a success, also one of another process."""
        self._error, self._failures, self._others_until = None, 0, float("-inf")


class ClientCredentials:
    """Access tokens from `POST /token`, which takes a form and returns 201."""

    def __init__(
        self,
        client: httpx.AsyncClient,
        environment: Environment,
        client_id: str,
        client_secret: Secret,
        store: TokenStore | None = None,
        *,
        clock: Callable[[], float] = anyio.current_time,
        retry_policy: RetryPolicy | None = None,
        limits: Limits = _LIMITS,
        observers: Observers | None = None,
    ) -> None:
        self._observers = observers
        self.retry_policy = retry_policy or RetryPolicy()
        self.limits = limits
        self._clock = clock
        self._client = client
        self._environment = environment
        self._client_id = client_id
        self._client_secret = client_secret
        self._shared: SharedToken | None = None
        if store is not None:
            from sikoia_async._auth.shared_token import SharedToken  # noqa: PLC0415 - loaded if used

            account = account_key(environment, client_id)
            self._shared = SharedToken(store, account, clock, observers)
        self._token: _Token | None = None
        self._flight = SingleFlight[_Token]()
        self._budget = RetryBudget()
        self._outage = _Outage()
        self._refused = ""
        self._no_renewal_until = self._no_discard_until = float("-inf")

    async def get(self) -> str:
        """Return a valid access token, renewed if it is about to expire.

        Raises:
            TokenError: the authorization server refused to grant one.
            ConnectionFailedError: there was no complete response.
        """
        token, now = self._token, anyio.current_time()
        if token is None or token.expires - now <= token.mandatory:
            if self._outage.is_ongoing and not self._flight.busy and self._shared is None:
                self._outage.check()
            return (await self._flight.run(self._renew)).value
        is_fresh = token.expires - now > token.advisory
        if is_fresh or self._flight.busy or now < self._no_renewal_until:
            return token.value
        return await self._renew_early(token)

    @property
    def age(self) -> float | None:
        """Seconds since the access token was fetched or loaded from the store; None without one."""
        return None if self._token is None else self._clock() - self._token.since

    def forget(self, token: str) -> bool:
        """Discard a refused access token, unless a newer one has replaced it.

        If the next one is refused too, it is kept for some seconds: then the access token is not
        the problem, and fetching more of them would not help.
        """
        if self._token is None or self._token.value != token:
            return True
        now = anyio.current_time()
        if now < self._no_discard_until:
            return False
        self._token, self._refused, self._no_discard_until = None, token, now + _COOLDOWN
        if self._shared is not None:
            self._shared.discard(token)
        return True

    async def _renew_early(self, token: _Token) -> str:
        with anyio.move_on_after(min(_EARLY_TIMEOUT, _time_left() * _EARLY_SHARE)):
            try:
                return (await self._flight.run(self._renew)).value
            except CallError as error:
                _log.warning("the access token was not renewed and stays in use: %s", error)
        self._no_renewal_until = anyio.current_time() + _COOLDOWN
        return token.value

    async def _renew(self) -> _Token:
        shared, pause = self._shared, _LOOKS[0]
        if shared is None:
            return await self._fetch()
        while True:
            if await self._load(shared):
                return cast("_Token", self._token)
            if self._outage.is_ongoing:
                self._outage.check()
            has_lock = await shared.lock()
            if has_lock is None:
                return await self._fetch_and_share(shared)
            if has_lock:
                return await self._renew_for_all(shared)
            if self._has_usable_token:
                self._no_renewal_until = anyio.current_time() + _SHORTEST_PAUSE
                return cast("_Token", self._token)
            self._outage.suspect()
            if self._outage.of_others > _PATIENCE:
                error = self._others_fail()
                self._outage.begin(error, None)
                raise error
            await anyio.sleep(pause)
            pause = min(2 * pause, _LOOKS[1])

    async def _renew_for_all(self, shared: SharedToken) -> _Token:
        """Renew the access token while this process has the lock.

        After a failure it keeps the lock until it may try again.
        """
        failures: list[Exception] = []
        try:
            if await self._load(shared):  # which was saved just before this process got the lock
                return cast("_Token", self._token)
            async with shared.prolonged():
                try:
                    return await self._fetch_and_share(shared)
                except Exception as error:  # noqa: BLE001 - raised again outside of the task group
                    failures.append(error)
        finally:
            await shared.unlock(after=self._outage.seconds if failures else 0.0)
        raise failures.pop()

    async def _fetch_and_share(self, shared: SharedToken) -> _Token:
        from sikoia_async.stores.protocols import StoredToken  # noqa: PLC0415 - loaded if used

        token = await self._fetch()
        await shared.save(StoredToken(token.value, token.expires - anyio.current_time()))
        return token

    def _others_fail(self) -> ConnectionFailedError:
        """Return the error of calls that have waited for another process for too long."""
        watch = Stopwatch(anyio.current_time, "token")
        attempts = Attempts(
            watch, 0, retry_class="safe", budget=self._budget, policy=self.retry_policy
        )
        fault = TransportFault("unsent", _OTHERS_FAIL)
        call = attrs.evolve(self._info(attempts, fault, str(uuid4())), reached="unsent")
        return ConnectionFailedError(_OTHERS_FAIL, call=call)

    async def _fetch(self) -> _Token:
        """Request an access token, with retries."""
        await self._outage.wait()
        watch, sent_id = Stopwatch(anyio.current_time, "token"), str(uuid4())
        # A token request is safe to repeat. During an outage a single attempt is enough.
        is_outage = self._outage.is_ongoing or self._outage.of_others
        retries = 0 if is_outage else _RETRIES
        attempts = Attempts(
            watch, retries, retry_class="safe", budget=self._budget, policy=self.retry_policy
        )
        outcome: Response | TransportFault | None = None

        def known() -> tuple[int | None, int, str]:
            status = outcome.status if isinstance(outcome, Response) else None
            return status, attempts.count, sent_id

        observed = self._observe(watch, sent_id, known)
        try:
            with observed or nullcontext():
                while True:
                    outcome, sent_at = await self._attempt(attempts, sent_id, watch, observed)
                    if not await attempts.pause_before_another(outcome, _retry_after(outcome)):
                        break
                token = _token(outcome, sent_at, self._info(attempts, outcome, sent_id))
        except CallError as error:
            failure = error
        else:
            attempts.succeed()
            self._outage.end()
            self._token = token  # before it is shared, so that a failing store costs no caller
            self._tell_renewed(token, "server")
            return token
        try:
            if attempts.hit_deadline:
                # Other callers may have enough time left for the attempt that this one had to skip.
                self._outage.pause(failure)
                raise NotShared(failure)
            self._outage.begin(failure, _retry_after(outcome))
            raise failure
        finally:
            del failure  # its traceback holds this frame

    def _observe(
        self, watch: Stopwatch, sent_id: str, known: Callable[[], tuple[int | None, int, str]]
    ) -> ObservedCall | None:
        """Return the call for an access token, for observers."""
        if self._observers is None:
            return None
        url = urlsplit(self._environment.token_url)
        target = ("access_token", "POST", url.path, f"{url.scheme}://{url.netloc}")
        return self._observers.call(target, sent_id, watch.now, known)

    def _tell_renewed(self, token: _Token, source: Literal["server", "store"]) -> None:
        if self._observers is not None:
            self._observers.token_renewed(token.expires - anyio.current_time(), source)

    async def _attempt(
        self, attempts: Attempts, sent_id: str, watch: Stopwatch, observed: ObservedCall | None
    ) -> tuple[Response | TransportFault, float]:
        """Make an attempt, and a second one beside it if the response takes long.

        Return the outcome, and when its request was sent.
        """
        request = self._request(sent_id, watch)
        if observed is not None:
            state_of(request).observed = observed.attempt(attempts.count + 1)

        async def first() -> tuple[Response | TransportFault, float]:
            sent_at = attempts.begin()
            outcome = await self._exchange(request)
            attempts.record(outcome, sent_id)
            return outcome, sent_at

        async def second() -> tuple[Response | TransportFault, float] | None:
            sent_at = attempts.begin_second(sent_id)
            if sent_at is None:
                return None
            request = self._request(sent_id, Stopwatch(anyio.current_time, "response"))
            state_of(request).is_second = True
            if observed is not None:
                state_of(request).observed = observed.attempt(attempts.count + 1)
            outcome = await self._exchange(request)
            attempts.record_second(sent_id, outcome)
            return (outcome, sent_at) if attempts.ends_call(outcome) else None

        if self._has_usable_token or not attempts.may_hedge:
            return await first()
        result = await hedged(  # never None, because it has no deadline of its own
            first,
            second,
            delay=min(_SILENT_TIMEOUT, _time_left() / 2),
            silent_since=lambda: watch.since if watch.phase == "response" else None,
            is_final=lambda result: not attempts.has_second or attempts.ends_call(result[0]),
        )
        if attempts.has_second:
            attempts.record_second(sent_id)
        return cast("tuple[Response | TransportFault, float]", result)

    @property
    def _has_usable_token(self) -> bool:
        token = self._token
        return token is not None and token.expires - anyio.current_time() > token.mandatory

    async def _exchange(self, request: httpx.Request) -> Response | TransportFault:
        state, outcome = state_of(request), None
        try:
            outcome = result = await exchange(self._client, request, self.limits)
        finally:
            end_observed(state, outcome)
        if isinstance(result, Response) and result.broken is not None:
            # A truncated response proves nothing, so it is retried like any lost one.
            return TransportFault("partial", result.broken)
        return result

    def _request(self, sent_id: str, watch: Stopwatch) -> httpx.Request:
        url = self._environment.token_url
        form = {
            "grant_type": "client_credentials",
            "scope": self._environment.scope,
            "client_id": self._client_id,
            "client_secret": self._client_secret.reveal(),
        }
        headers = {
            "Host": urlsplit(url).netloc,
            "Accept": "application/json",
            "Accept-Encoding": "gzip",
            "Content-Type": "application/x-www-form-urlencoded",
            _CORRELATION: sent_id,
        }
        state = RequestState(watch, content=urlencode(form).encode())
        return build_request("POST", url, headers, state, self.limits)

    def _info(
        self, attempts: Attempts, outcome: Response | TransportFault, sent_id: str
    ) -> CallInfo:
        url = self._environment.token_url
        received_id = outcome.headers.get(_CORRELATION, "") if isinstance(outcome, Response) else ""
        received_id = received_id if is_correlation_id(received_id) else ""
        return attempts.info("POST", urlsplit(url).path, url, sent_id, received_id)

    async def _load(self, shared: SharedToken) -> bool:
        """Use the shared access token, if it is better than this client's; return whether it is."""
        stored, now, old = await shared.load(), anyio.current_time(), self._token
        if stored is None or stored.seconds < _LEAST_LEFT:
            return False
        if stored.value == self._refused:
            return False
        if old and (stored.value == old.value or now + stored.seconds <= old.expires):
            return False
        self._token = token = _Token.from_life(stored.value, now, stored.seconds)
        self._outage.end()
        self._tell_renewed(token, "store")
        return True


def _time_left() -> float:
    """Return the seconds until the deadline of the call that needs the access token."""
    return anyio.current_effective_deadline() - anyio.current_time()


def _retry_after(outcome: Response | TransportFault | None) -> float | None:
    if not isinstance(outcome, Response):
        return None
    headers = outcome.headers
    return policy.retry_after(headers.get("retry-after"), headers.get("date"))


def _token(outcome: Response | TransportFault, sent_at: float, call: CallInfo) -> _Token:
    if isinstance(outcome, TransportFault):
        msg = f"{_HOW_FAR[outcome.reached]}: {outcome.reason}"
        raise ConnectionFailedError(msg, call=attrs.evolve(call, reached=outcome.reached))
    grant = read_grant(outcome)
    if isinstance(grant, Refusal):
        msg = f"the authorization server granted no access token: {grant.reason}"
        raise TokenError(msg, call=call, status=outcome.status, error=grant.error)
    return _Token.from_life(grant.token, sent_at, grant.seconds)
