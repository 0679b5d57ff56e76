"""Silencing a problem of the overview for a day, and ending that."""

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext
from django.views.decorators.http import require_POST

from bots.incidents import silences
from core.console.base import actor_of, operator_of
from core.console.overview import Problem
from feishu_portal.overview.problems import findings


@require_POST
def silence(request: HttpRequest) -> HttpResponseRedirect:
    """``key`` names the problem, as the list does."""
    problem = _problem(request)
    if not problem.is_silenceable:
        raise Http404
    silences.silence(problem, actor=actor_of(request))
    said = gettext("Silenced for a day: %(problem)s") % {"problem": problem.sentence}
    messages.success(request, said)
    return HttpResponseRedirect(reverse("admin:index"))


@require_POST
def unsilence(request: HttpRequest) -> HttpResponseRedirect:
    """``key`` likewise."""
    silences.end_silence(_problem(request), actor=actor_of(request))
    return HttpResponseRedirect(reverse("admin:index"))


def _problem(request: HttpRequest) -> Problem:
    """The problem that is asked for, among those that the operator sees. One that is over by now is not there."""
    user = operator_of(request)
    if not user.has_perm(silences.PERMISSION):
        raise PermissionDenied
    problem = findings(user).find(request.POST.get("key", ""))
    if problem is None:
        raise Http404
    return problem
