"""Whose certificates every outbound connection trusts: platform, gateway, receivers of deliveries."""

import functools
import logging
import os
import ssl
from pathlib import Path

import httpx2

logger = logging.getLogger(__name__)

_also: list[Path] = []


def trust_also(file: Path) -> None:
    """Trust the authorities in this PEM file, too, e.g. the company's own. Raises OSError where it is not readable, and
    ssl.SSLError where it holds no certificate."""
    ssl.create_default_context().load_verify_locations(cafile=file)
    _also[:] = [file]
    trusted.cache_clear()


@functools.cache
def trusted() -> ssl.SSLContext:
    """The system's authorities, or instead of them those of SSL_CERT_FILE or SSL_CERT_DIR, and those of `trust_also`.

    Made once: reading the certificates takes tens of milliseconds. A variable that names nothing readable is ignored, and
    said in the log: a portal that does not start explains nothing.
    """
    try:
        context = httpx2.create_ssl_context()
    except (OSError, ssl.SSLError) as error:
        variable = "SSL_CERT_FILE" if os.environ.get("SSL_CERT_FILE") else "SSL_CERT_DIR"
        logger.warning("certificates_unreadable", extra={"variable": variable, "error": str(error)})
        context = httpx2.create_ssl_context(trust_env=False)
    for file in _also:
        context.load_verify_locations(cafile=file)
    return context
