"""Approvals for an hour on the person's own page, each with a button that ends it."""

from collections.abc import Mapping, Sequence
from typing import Final
from uuid import UUID

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from auth_sessions.domain.self_service import SelfServiceView
from auth_sessions.errors import LinkUnknown
from auth_sessions.pages.own_sections import own_section
from auth_sessions.pages.self_service import outcome, view_of
from auth_sessions.pages.words import PAGE_OVER, Page
from core.access.actors import Actor
from core.remote_address import address_of
from feishu_portal.approvals.cards import named_lines
from feishu_portal.approvals.decisions import end_hour
from feishu_portal.approvals.models import CallApproval
from feishu_portal.approvals.models.call_approvals import CallApprovalQuerySet
from feishu_portal.approvals.names import names_for
from feishu_portal.approvals.resources import Resource, resources_of
from feishu_portal.approvals.words import in_words

MAX_SHOWN: Final = 50
PAGE_ENDED: Final = Page(
    200,
    "good",
    _("Ended"),
    _("You are asked about such calls again, from now on."),
    _("You can close this page."),
)


@own_section
def approved_for_an_hour(request: HttpRequest, view: SelfServiceView) -> SafeString:
    """What goes on without a question now."""
    language = get_language() or settings.LANGUAGE_CODE
    standing = list(_standing(view).order_by("covers_until")[:MAX_SHOWN])
    names = _names(standing, view)
    shown = [
        (
            approval,
            in_words(approval.method, approval.path).in_language(language),
            f"{timezone.localtime(approval.covers_until):%H:%M}",
            [line.in_language(language) for line in named_lines(_of(approval, names))],
        )
        for approval in standing
    ]
    return render_to_string("approvals/own_section.html", {"approvals": shown}, request)


@require_POST
def end_approval(request: HttpRequest, approval_id: UUID) -> HttpResponse:
    """End an approval for an hour of the person of this browser."""
    try:
        view = view_of(request)
    except LinkUnknown:
        return outcome(request, PAGE_OVER)
    approval = _standing(view).select_related("bot").filter(pk=approval_id).first()
    if approval is not None:
        end_hour(approval, actor=Actor.user(view.open_id).at(address_of(request)))
    return outcome(request, PAGE_ENDED, bot=view.bot)


def _names(approvals: Sequence[CallApproval], view: SelfServiceView) -> dict[Resource, str]:
    """What this person knows things by that the calls name."""
    named = [one for approval in approvals for one in resources_of(approval.path, approval.resources)]
    tenant_key = approvals[0].tenant_key if approvals else ""
    return names_for(dict.fromkeys(named), bot=view.bot, open_id=view.open_id, tenant_key=tenant_key)


def _of(approval: CallApproval, names: Mapping[Resource, str]) -> dict[Resource, str]:
    named = resources_of(approval.path, approval.resources)
    return {one: names[one] for one in named if one in names}


def _standing(view: SelfServiceView) -> CallApprovalQuerySet:
    return CallApproval.objects.standing().filter(bot=view.bot, open_id=view.open_id)
