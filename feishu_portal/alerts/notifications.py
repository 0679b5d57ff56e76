"""What Alertmanager says about one group, read from its webhook message and cut to what a card can show. Pure.

Message of version "4" (https://prometheus.io/docs/alerting/latest/configuration/#webhook_config). Rules of anybody's are
understood: an alert needs labels alone. Annotations that the card shows: ``summary``, ``description``, ``message``,
``runbook_url``, and of the first two a Chinese version with ``_zh`` behind.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from core.database.text import storable

MAX_ALERTS: Final = 50
"""Of one group that are kept; a card has room for fewer still."""
MAX_LABELS: Final = 30
MAX_NAME: Final = 100
MAX_VALUE: Final = 300
MAX_ANNOTATION: Final = 1000
MAX_TITLE: Final = 200
MAX_URL: Final = 1000

SHOWN_ANNOTATIONS: Final = (
    "summary",
    "summary_zh",
    "description",
    "description_zh",
    "message",
    "runbook_url",
)

Labels = Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """``fingerprint`` is the same for the same labels; together with ``starts_at`` it names one firing of an alert."""

    fingerprint: str
    is_firing: bool
    labels: Labels
    annotations: Labels
    starts_at: datetime
    ends_at: datetime
    generator_url: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Notification:
    """``truncated``: alerts that Alertmanager left out (its ``max_alerts``)."""

    group_key: str
    is_firing: bool
    group_labels: Labels
    common_labels: Labels
    common_annotations: Labels
    alerts: Sequence[Alert]
    truncated: int = 0
    external_url: str = ""

    @property
    def key_hash(self) -> str:
        return hashlib.sha256(self.group_key.encode()).hexdigest()

    @property
    def title(self) -> str:
        """The alert's name; where the group has several, what the group goes by."""
        named = self.common_labels.get("alertname") or self.group_labels.get("alertname")
        title = named or " ".join(f"{name}={value}" for name, value in sorted(self.group_labels.items()))
        return storable(title or "alert", MAX_TITLE)

    @property
    def firing(self) -> int:
        return sum(alert.is_firing for alert in self.alerts) + (self.truncated if self.is_firing else 0)

    @property
    def silence_matchers(self) -> list[tuple[str, str]]:
        """Labels that match the whole group; none where it has nothing in common, or nothing that is kept in full."""
        labels = self.group_labels or self.common_labels
        is_kept_in_full = len(labels) <= MAX_LABELS and _bounded(labels) == labels
        return sorted(labels.items()) if is_kept_in_full else []

    @property
    def content(self) -> dict[str, Any]:
        """As it is stored, and shown on the card."""
        ordered = sorted(
            self.alerts, key=lambda alert: (not alert.is_firing, alert.starts_at, alert.fingerprint)
        )
        kept = ordered[:MAX_ALERTS]
        return {
            "matchers": [[name, value] for name, value in self.silence_matchers],
            "labels": _bounded(self.common_labels),
            "annotations": _shown(self.common_annotations),
            "alerts": [_stored(alert) for alert in kept],
            "resolved": sum(not alert.is_firing for alert in self.alerts),
            "more": len(ordered) - len(kept) + self.truncated,
            "external_url": storable(self.external_url, MAX_URL),
        }


def firings(content: Mapping[str, Any]) -> frozenset[tuple[str, str]]:
    """The alerts that fire in a stored content, each with the time since when."""
    return frozenset(
        (alert["fingerprint"], alert["starts_at"]) for alert in content.get("alerts", ()) if alert["firing"]
    )


def _stored(alert: Alert) -> dict[str, Any]:
    return {
        "fingerprint": storable(alert.fingerprint, MAX_NAME) or _fingerprint(alert.labels),
        "firing": alert.is_firing,
        "labels": _bounded(alert.labels),
        "annotations": _shown(alert.annotations),
        "starts_at": alert.starts_at.isoformat(),
        # Of an alert that fires it lies ahead, and moves with every evaluation.
        "ends_at": "" if alert.is_firing else alert.ends_at.isoformat(),
        "url": storable(alert.generator_url, MAX_URL),
    }


def _fingerprint(labels: Labels) -> str:
    return hashlib.sha256(repr(sorted(labels.items())).encode()).hexdigest()[:16]


def _bounded(labels: Labels) -> dict[str, str]:
    kept = sorted(labels.items())[:MAX_LABELS]
    return {storable(name, MAX_NAME): storable(value, MAX_VALUE) for name, value in kept}


def _shown(annotations: Labels) -> dict[str, str]:
    return {
        name: storable(annotations[name], MAX_ANNOTATION)
        for name in SHOWN_ANNOTATIONS
        if annotations.get(name)
    }
