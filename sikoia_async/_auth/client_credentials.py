"""OAuth's client credentials: a token fetched once for all who need it, renewed before its end.

Above 120 s of life left it is used as it is. From 120 to 30 s one caller renews it while the
others go on with it. Under 30 s one caller renews it and the others wait for *its* outcome,
success or failure. (A token that lives less than ten minutes has shorter windows.) Life is counted
on a monotonic clock from `expires_in`, as of the moment before the request, so that neither clock
changes nor a slow answer make a dead token look alive.

A failure is shared with those who come later, too: for a second, and twice as long after each
further one, all calls that need a token get the same error, and the server is left alone.
"""

from __future__ import annotations

import copy
import hashlib
import logging
import random
import time
from typing import TYPE_CHECKING, Final
from urllib.parse import urlencode, urlsplit
from uuid import uuid4

import anyio
import attrs

from sikoia_async._auth.secret import is_sendable
from sikoia_async._auth.tokens import Refusal, StoredToken, TokenStore, read_grant
from sikoia_async._errors import CallError, CallInfo, ConnectionFailedError, TokenError
from sikoia_async._logging import is_correlation_id
from sikoia_async._retry import policy
from sikoia_async._retry.attempts import Attempts
from sikoia_async._retry.budget import RetryBudget
from sikoia_async._retry.policy import RetryPolicy
from sikoia_async._single_flight import NotShared, SingleFlight
from sikoia_async._transport.exchange import build_request, exchange
from sikoia_async._transport.stopwatch import Stopwatch
from sikoia_async._transport.types import Limits, RequestState, Response, TransportFault

if TYPE_CHECKING:
    from collections.abc import Callable

    import httpx

    from sikoia_async._auth.secret import Secret
    from sikoia_async.environments import Environment

__all__ = ["ClientCredentials"]

_log = logging.getLogger("sikoia_async")

_ADVISORY: Final = 120.0
_MANDATORY: Final = 30.0
_ADVISORY_SHARE: Final = 0.2
_MANDATORY_SHARE: Final = 0.05
_EARLY_TIMEOUT: Final = 10.0
"""Seconds that one caller gives to renewing a token that is still good, and at most a share of its
time: the call that it is made for needs the rest."""
_EARLY_SHARE: Final = 0.25
_SILENT_TIMEOUT: Final = 10.0
"""Seconds without a byte after which another attempt is worth more, and at most half of the time
that is left."""
_LET_BE: Final = 5.0
"""Seconds in which an early renewal that failed, a refusal, or a new token that was refused, is let
be."""
_SHORTEST_PAUSE: Final = 1.0
_LONGEST_PAUSE: Final = 8.0
_DOUBLINGS: Final = 3
_LONGEST_HINT: Final = 60.0
"""Seconds of a Retry-After that are obeyed."""
_FIRST_SERVER_ERROR: Final = 500
_STORE_TIMEOUT: Final = 1.0
"""Seconds that a token store may take."""
_RETRIES: Final = 2
_LIMITS: Final = Limits(64 * 1024, 64 * 1024)
_CORRELATION: Final = "X-Correlation-Id"


@attrs.frozen
class _Token:
    value: str = attrs.field(repr=False)
    since: float
    expires: float
    advisory: float
    mandatory: float

    @classmethod
    def from_life(cls, value: str, since: float, life: float) -> _Token:
        advisory = min(_ADVISORY, life * _ADVISORY_SHARE)
        return cls(value, since, since + life, advisory, min(_MANDATORY, life * _MANDATORY_SHARE))


class _Outage:
    """What is known of a server that gives no token: its last failure, and when to ask again."""

    def __init__(self) -> None:
        self._error: CallError | None = None
        self._until = float("-inf")
        self._failures = 0

    @property
    def lasts(self) -> bool:
        """Whether the last thing that was heard is a failure."""
        return self._failures > 0

    def check(self) -> None:
        """Raise the last failure again while the server is left alone."""
        if self._error is not None and anyio.current_time() < self._until:
            raise copy.copy(self._error)

    def begin(self, error: CallError, hint: float | None) -> None:
        """Note a failure, for so long as the server asked for, or longer each time."""
        refused = isinstance(error, TokenError) and error.status < _FIRST_SERVER_ERROR
        pause = min(_LONGEST_PAUSE, _SHORTEST_PAUSE * 2 ** min(self._failures, _DOUBLINGS))
        pause = max(_LET_BE if refused else pause, min(hint or 0.0, _LONGEST_HINT))
        self._failures += 1
        self.pause(error, pause)

    def pause(self, error: CallError, seconds: float = _SHORTEST_PAUSE) -> None:
        """Leave the server alone for a while; a little longer at random, not to come in step."""
        jitter = random.random()  # noqa: S311 - no secrets
        # A copy: the error itself keeps the frames that it was raised in.
        self._error = copy.copy(error)
        self._until = anyio.current_time() + seconds * (1 + jitter / 10)

    async def wait(self) -> None:
        """Sleep until the server may be asked.

        Raises:
            NotShared: it is too late for this caller then.
        """
        seconds = self._until - anyio.current_time()
        if self._error is None or seconds <= 0:
            return
        if self._until >= anyio.current_effective_deadline():
            raise NotShared(copy.copy(self._error))
        await anyio.sleep(seconds)

    def end(self) -> None:
        """Forget it: the server gave a token."""
        self._error, self._failures = None, 0


class ClientCredentials:
    """A source of tokens by `POST /token`: a form out, 201 back."""

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
    ) -> None:
        self.retry_policy = retry_policy or RetryPolicy()
        self.limits = limits
        self._clock = clock
        self._client = client
        self._environment = environment
        self._client_id = client_id
        self._client_secret = client_secret
        self._store = store
        identity = f"{environment.token_url}\n{environment.scope}\n{client_id}"
        self._key = f"sikoia-token-{hashlib.sha256(identity.encode()).hexdigest()[:32]}"
        self._token: _Token | None = None
        self._flight = SingleFlight[_Token]()
        self._budget = RetryBudget()
        self._outage = _Outage()
        self._refused = ""
        self._let_be_until = self._keep_until = float("-inf")

    async def get(self) -> str:
        """Return a token, renewing it where that is due.

        Raises:
            TokenError: the authorization server gave none.
            ConnectionFailedError: it did not answer.
        """
        token, now = self._token, anyio.current_time()
        if token is None or token.expires - now <= token.mandatory:
            if self._outage.lasts and not self._flight.busy and self._store is None:
                self._outage.check()
            return (await self._flight.run(self._renew)).value
        if token.expires - now > token.advisory or self._flight.busy or now < self._let_be_until:
            return token.value
        return await self._renew_early(token)

    @property
    def age(self) -> float | None:
        """Seconds since the token was fetched, or taken from the store; None without one."""
        return None if self._token is None else self._clock() - self._token.since

    def forget(self, token: str) -> bool:
        """Drop a token that was refused, unless a newer one has taken its place.

        A new token that is refused at once is kept for some seconds: what is wrong then is not
        the token, and fetching more of them helps nobody.
        """
        if self._token is None or self._token.value != token:
            return True
        now = anyio.current_time()
        if now < self._keep_until:
            return False
        self._token, self._refused, self._keep_until = None, token, now + _LET_BE
        return True

    async def _renew_early(self, token: _Token) -> str:
        with anyio.move_on_after(min(_EARLY_TIMEOUT, _time_left() * _EARLY_SHARE)):
            try:
                return (await self._flight.run(self._renew)).value
            except CallError as error:
                _log.warning("the access token was not renewed, and is used on: %s", error)
        self._let_be_until = anyio.current_time() + _LET_BE
        return token.value

    async def _renew(self) -> _Token:
        token = await self._load()
        if token is not None:
            self._token = token
            return token
        if self._store is not None and self._outage.lasts:
            self._outage.check()  # only now: another process may have had more luck
        # Kept before it is shared: what the store does with it is no caller's loss.
        token = self._token = await self._fetch()
        await self._save(token)
        return token

    async def _fetch(self) -> _Token:
        """Ask the authorization server, again if that may help."""
        await self._outage.wait()
        watch, sent_id = Stopwatch(anyio.current_time, "token"), str(uuid4())
        # A token request buys and changes nothing: it may be repeated. In an outage one is enough.
        retries = 0 if self._outage.lasts else _RETRIES
        attempts = Attempts(
            watch, retries, retry_class="safe", budget=self._budget, policy=self.retry_policy
        )
        while True:
            asked = attempts.begin()
            outcome = await self._exchange(self._request(sent_id, watch))
            attempts.record(outcome, sent_id)
            hint = _asked_to_wait(outcome)
            if not await attempts.pause_before_another(outcome, hint):
                break
        try:
            token = _token(outcome, asked, self._info(attempts, outcome, sent_id))
        except CallError as error:
            failure = error
        else:
            attempts.succeed()
            self._outage.end()
            return token
        if attempts.hit_deadline:
            # The others may have more time left for another attempt than this caller had.
            self._outage.pause(failure)
            raise NotShared(failure)
        self._outage.begin(failure, hint)
        raise failure

    async def _exchange(self, request: httpx.Request) -> Response | TransportFault:
        outcome = await exchange(self._client, request, self.limits)
        if isinstance(outcome, Response) and outcome.broken is not None:
            # Half a token is none, and half a refusal may be a good one the next time.
            return TransportFault("partial", outcome.broken)
        return outcome

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
        read_timeout = min(_SILENT_TIMEOUT, _time_left() / 2)
        return build_request("POST", url, headers, state, self.limits, read_timeout=read_timeout)

    def _info(
        self, attempts: Attempts, outcome: Response | TransportFault, sent_id: str
    ) -> CallInfo:
        url = self._environment.token_url
        received_id = outcome.headers.get(_CORRELATION, "") if isinstance(outcome, Response) else ""
        received_id = received_id if is_correlation_id(received_id) else ""
        return attempts.info("POST", urlsplit(url).path, url, sent_id, received_id)

    async def _load(self) -> _Token | None:
        """Return a token that another process has fetched, if it is worth using."""
        if self._store is None:
            return None
        stored: StoredToken | None = None
        try:
            with anyio.move_on_after(min(_STORE_TIMEOUT, _time_left() / 4)):
                stored = await self._store.load(self._key)
            return None if stored is None else self._taken(stored)
        except Exception:  # noqa: BLE001 - a store is the caller's, and may raise or give anything
            _log.warning("the token store failed to load; going on without it")
            return None

    def _taken(self, stored: StoredToken) -> _Token | None:
        known = (self._refused, self._token.value if self._token else "")
        if stored.value in known or not is_sendable(stored.value):
            return None
        left = stored.expires_at - time.time()
        token = _Token.from_life(stored.value, anyio.current_time(), left)
        return token if left > _MANDATORY else None

    async def _save(self, token: _Token) -> None:
        if self._store is None:
            return
        expires_at = time.time() + token.expires - anyio.current_time()
        try:
            with anyio.move_on_after(min(_STORE_TIMEOUT, _time_left() / 4)):
                await self._store.save(self._key, StoredToken(token.value, expires_at))
        except Exception:  # noqa: BLE001 - as above
            _log.warning("the token store failed to save; going on without it")


def _time_left() -> float:
    """Return the seconds until the deadline of the call that the token is for."""
    return anyio.current_effective_deadline() - anyio.current_time()


def _asked_to_wait(outcome: Response | TransportFault) -> float | None:
    if isinstance(outcome, TransportFault):
        return None
    headers = outcome.headers
    return policy.retry_after(headers.get("retry-after"), headers.get("date"))


def _token(outcome: Response | TransportFault, asked: float, call: CallInfo) -> _Token:
    if isinstance(outcome, TransportFault):
        msg = f"the authorization server gave no whole answer: {outcome.reason}"
        raise ConnectionFailedError(msg, call=call)
    grant = read_grant(outcome)
    if isinstance(grant, Refusal):
        msg = f"the authorization server gave no token: {grant.reason}"
        raise TokenError(msg, call=call, status=outcome.status, error=grant.error)
    return _Token.from_life(grant.token, asked, grant.seconds)
