"""TLS contexts: whom a client trusts, also towards a proxy."""

from __future__ import annotations

import os
import ssl
import sys
from pathlib import Path
from typing import Final

from sikoia_async._errors import ConfigurationError
from sikoia_async._validation import validate_type

__all__ = ["context_of", "new_context"]

_VERIFY_FLAGS: Final = (
    ssl.VERIFY_X509_PARTIAL_CHAIN | ssl.VERIFY_X509_STRICT if sys.version_info >= (3, 13) else 0
)
"""What `ssl.create_default_context` adds. It cannot be called, because it also writes the TLS key
log that the environment names."""
_OLDEST: Final = ssl.TLSVersion.TLSv1_2
_OUTDATED: Final = (ssl.TLSVersion.SSLv3, ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1)


def context_of(name: str, tls: ssl.SSLContext | str | Path, *, trust_env: bool) -> ssl.SSLContext:
    """Return the TLS context of an argument such as `tls`, which verifies whom it connects to.

    Args:
        name: the argument.
        tls: a context, or a file of certificate authorities.
        trust_env: whether the environment may name a TLS key log.

    Raises:
        ArgumentTypeError: it is neither a context nor a path.
        ConfigurationError: the context accepts any certificate or any host name, allows versions
            of TLS before 1.2, or is for servers; or the file cannot be used.
    """
    validate_type(name, tls, (ssl.SSLContext, str, Path), "an SSLContext, or a file's path")
    if not isinstance(tls, ssl.SSLContext):
        return new_context(tls, trust_env=trust_env, name=name)
    if tls.protocol is ssl.PROTOCOL_TLS_SERVER:
        problem = "for clients, such as ssl.create_default_context()"
    elif tls.verify_mode is not ssl.CERT_REQUIRED:
        problem = "with verify_mode=CERT_REQUIRED"
    elif not tls.check_hostname:
        problem = "with check_hostname=True"
    elif tls.minimum_version in _OUTDATED or tls.maximum_version in _OUTDATED:
        problem = "for TLS 1.2 or newer"
    else:
        return tls
    msg = f"{name}: expected an SSLContext {problem}"
    raise ConfigurationError(msg)


def new_context(
    ca_file: str | Path | None, *, trust_env: bool, name: str = "tls"
) -> ssl.SSLContext:
    """Create a TLS context: TLS 1.2 or newer, with certificates and host names verified.

    It verifies as strictly as Python's default, whatever `trust_env` is.

    Args:
        ca_file: the certificate authorities to trust, and no others; None for certifi's.
        trust_env: whether the environment may name a TLS key log and, unless there is a `ca_file`,
            further authorities.
        name: the argument that errors are about.

    Raises:
        ConfigurationError: a file cannot be read or written, or holds no certificate.
        OSError: certifi's file cannot be read, for example without a free file descriptor.
    """
    import certifi  # noqa: PLC0415 - needed once, and only without a context of the caller's

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = _OLDEST
    context.verify_flags |= _VERIFY_FLAGS
    try:
        context.load_verify_locations(certifi.where() if ca_file is None else ca_file)
    except (ssl.SSLError, ValueError):
        problem = "expected a file of certificate authorities in PEM format"
    except OSError as error:
        if ca_file is None:
            raise
        problem = f"expected a readable file of certificate authorities ({_reason(error)})"
    else:
        if trust_env:
            if ca_file is None:
                context.load_default_certs()
            _log_keys(context)
        return context
    msg = f"{name}: {problem}"
    raise ConfigurationError(msg)


def _log_keys(context: ssl.SSLContext) -> None:
    """Write the keys of connections to the file that `SSLKEYLOGFILE` names, as Python does."""
    file = os.environ.get("SSLKEYLOGFILE")
    if not file or sys.flags.ignore_environment:
        return
    try:
        context.keylog_filename = file
    except OSError as error:
        problem = _reason(error)
    else:
        return
    msg = f"SSLKEYLOGFILE: expected a writable file ({problem})"
    raise ConfigurationError(msg)


def _reason(error: OSError) -> str:
    return os.strerror(error.errno) if error.errno else type(error).__name__
