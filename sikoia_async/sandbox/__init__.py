"""The local Sikoia: a stateful stand-in for the API on loopback, for tests and demonstrations.

It shares no code with the client, so a bug in one cannot hide the same bug in the other.
"""

try:
    from sikoia_async.sandbox.app import App, create_app
    from sikoia_async.sandbox.scenarios.scenario import Scenario
    from sikoia_async.sandbox.server import Sandbox
    from sikoia_async.sandbox.settings import Credentials, Rate, Time, Wire
except ImportError as _exc:
    msg = "the local Sikoia is an optional extra: pip install 'sikoia-async[sandbox]'"
    raise ImportError(msg) from _exc

__all__ = ["App", "Credentials", "Rate", "Sandbox", "Scenario", "Time", "Wire", "create_app"]
