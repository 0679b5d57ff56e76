"""Checks on what operators type."""

import re
from collections.abc import Sequence
from typing import Final
from urllib.parse import urlsplit

from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from feishu.names import is_host
from feishu.proxies import parse_proxy
from feishu.scopes import MAX_SCOPES, is_scope

_CHAT_ID: Final = re.compile(r"oc_[0-9A-Za-z_-]+", re.ASCII)


def validate_chat_id(value: str) -> None:
    """The ID of a group."""
    if not _CHAT_ID.fullmatch(value):
        raise ValidationError(_("The ID of a group chat begins with oc_."), code="invalid_chat_id")


def validate_scope(entry: str) -> None:
    """The name of a scope."""
    if not is_scope(entry):
        raise ValidationError(
            _(
                "“%(entry)s” is not a scope: write its name as the developer console does, e.g. im:message:readonly."
            ),
            code="invalid_scope",
            params={"entry": entry[:128]},
        )


def validate_scopes(value: Sequence[str]) -> None:
    """Scopes that fit in one request for consent."""
    if len(value) > MAX_SCOPES:
        raise ValidationError(_("No more than %(most)d entries."), params={"most": MAX_SCOPES})
    for entry in value:
        validate_scope(entry)


def validate_address(value: str) -> None:
    """An address of a platform: scheme and host, perhaps a port and a path; a host name inside a company needs no dot."""
    try:
        parts = urlsplit(value)
        valid = parts.scheme in {"http", "https"} and is_host(parts.hostname or "") and parts.port != 0
    except ValueError:
        valid = False
    if not valid or parts.query or parts.fragment or "@" in parts.netloc or not value.isprintable():
        raise ValidationError(
            _("Use scheme and host, e.g. https://open.example.com."), code="invalid_address"
        )


def validate_proxy(value: str) -> None:
    """An HTTP proxy with its port, perhaps with user and password; the message repeats nothing of it."""
    if not value:
        return
    try:
        parse_proxy(value)
    except ValueError:
        raise ValidationError(
            _("Use http://host:port or http://user:password@host:port, special characters percent-encoded."),
            code="invalid_proxy",
        ) from None
