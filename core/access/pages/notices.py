"""Trying whether notices reach an operator: of others for administrators, and everybody's own."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from core.access.models import User
from core.access.notice_test import NoticeTestedLately, send_test
from core.console.base import actor_of, operator_of


@require_POST
def test_own_notices(request: HttpRequest) -> HttpResponse:
    """Send the operator who is signed in a test on every channel of theirs."""
    test_notices(request, operator_of(request))
    return redirect("security")


def test_notices(request: HttpRequest, user: User) -> None:
    """Send ``user`` a test, and say on the next page what came of it."""
    try:
        results = send_test(user, actor=actor_of(request))
    except NoticeTestedLately:
        messages.warning(
            request, _("A test was sent to this operator a moment ago. Try again in half a minute.")
        )
        return
    for result in results:
        text = _("%(channel)s, %(address)s: %(answer)s") % {
            "channel": result.channel,
            "address": result.address,
            "answer": result.answer,
        }
        messages.add_message(request, messages.SUCCESS if result.is_sent else messages.ERROR, text)
    if not results:
        messages.warning(
            request, _("Neither an e-mail address nor a Feishu account is set for this operator.")
        )
