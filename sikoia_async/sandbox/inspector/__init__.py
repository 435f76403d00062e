"""The inspector: a web page that shows and controls the local Sikoia.

It runs in the event loop of the API, so that it never sees a half-processed request. It has its
own origin with plain HTTP, because browsers do not trust the certificate of the API.
"""

from sikoia_async.sandbox.inspector.app import create_inspector

__all__ = ["create_inspector"]
