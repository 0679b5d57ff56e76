"""Names of events that circulate in documents but that the platform never sends, and the real ones.

The platform's event list names the real ones (pages "Event list" and those of the single events). Handlers may be
registered under either; what is stored is what came.
"""

from collections.abc import Mapping
from dataclasses import dataclass

APPROVAL = "approval_instance"


@dataclass(frozen=True, slots=True)
class Alias:
    """What a misspelled name means: the real type, and the ``status`` in the event where the name speaks of one."""

    event_type: str
    status: str = ""


ALIASES: Mapping[str, Alias] = {
    # There is one event for every change of an approval's status (page "Approval instance status changed").
    "approval.approval.approved_v1": Alias(APPROVAL, "APPROVED"),
    "approval.approval.rejected_v1": Alias(APPROVAL, "REJECTED"),
    "calendar.event.updated_v4": Alias("calendar.calendar.event.changed_v4"),
    "meeting.meeting.started_v1": Alias("vc.meeting.meeting_started_v1"),
    "meeting.meeting.ended_v1": Alias("vc.meeting.meeting_ended_v1"),
    "im.chat.member.user_added_v1": Alias("im.chat.member.user.added_v1"),
    "im.chat.member.user_deleted_v1": Alias("im.chat.member.user.deleted_v1"),
}


def resolve(pattern: str) -> Alias:
    """The type, and status, that a handler's pattern stands for; a pattern that is no alias stands for itself."""
    return ALIASES.get(pattern, Alias(pattern))
