"""Who takes care of an incident: one operator, among those who see what it is about and may do something about it."""

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from bots.incidents.notices import channels_of
from bots.incidents.shown import cards_follow
from bots.models import Incident, Notice
from core.access import audit
from core.access.actors import Actor
from core.access.models import User
from core.access.roles import MANAGING, SEEING_EVERYTHING


def assignable(incident: Incident) -> QuerySet[User]:
    """Operators whom an incident can be assigned to."""
    concerned = Q(role__in=SEEING_EVERYTHING) | Q(pk=incident.owner_id)
    if incident.bot_id is not None:
        concerned |= Q(bots=incident.bot_id)
    people = User.objects.filter(concerned, is_active=True, role__in=MANAGING)
    return people.distinct().order_by("username")


@transaction.atomic
def assign(incident: Incident, to: User | None, *, actor: Actor) -> bool:
    """Have an operator of ``assignable`` take care of an open incident; None for nobody. They are notified where somebody else
    says so. False where they do already, or the incident is over. ``incident`` is read again."""
    waiting = Incident.objects.open().filter(pk=incident.pk).exclude(assignee=to)
    is_changed = bool(waiting.update(assignee=to))
    incident.refresh_from_db()
    if not is_changed:
        return False
    is_own = to is not None and actor.operator_id == to.pk
    action = "incident.unassigned" if to is None else "incident.taken" if is_own else "incident.assigned"
    audit.record(
        actor=actor,
        action=action,
        bot=incident.bot,
        target=incident.affected_name,
        incident=incident.pk,
        problem=incident.cause,
        **({"operator": to.get_username()} if to else {}),
    )
    if to is not None and not is_own:
        now = timezone.now()
        notices = [Notice(incident=incident, user=to, channel=one, due_at=now) for one in channels_of(to)]
        Notice.objects.bulk_create(notices, ignore_conflicts=True)
    cards_follow([incident])
    return True
