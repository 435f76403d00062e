"""The inspector: a page that shows what goes on in the local Sikoia, and lets a person meddle.

It is served in the event loop of the API, so that it sees whole requests and races with none, and
on an origin of its own: plain http, for a browser does not trust the certificate of the other.
"""

from sikoia_async.sandbox.inspector.app import create_inspector

__all__ = ["create_inspector"]
