"""The switches of a subscription: as buttons of its row and of its page."""

from typing import TYPE_CHECKING, Final

from django.contrib import messages
from django.contrib.admin.utils import unquote
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.text import Truncator
from django.utils.translation import gettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from core.console.actions import Question, button, confirmed
from core.console.base import ConsoleAdmin, actor_of
from core.console.shown_once import show_once
from core.vault.redaction import redact_text
from events.enums import SubscriptionKind
from events.models import Subscription
from events.subscriptions import service
from events.subscriptions.http.failures import shown
from events.subscriptions.service import Operation, possible_operations
from events.subscriptions.test_delivery import send_test
from feishu.cards import Json

if TYPE_CHECKING:
    Base = ConsoleAdmin[Subscription]
else:
    Base = object

ANSWER_SECONDS: Final = 2.0
"""What a receiver has for its answer, about: some of ``ingress.receive.BUDGET`` goes to the portal's own work."""


class SubscriptionControls(Base):
    """The part of the subscriptions' admin that tests, pauses and switches them, and gives them another secret."""

    def fits(self, action: str, row: Subscription) -> bool:
        if action == "replay_failed":  # a click is not replayed: its answer would come too late
            return row.kind != SubscriptionKind.ANSWER
        return action in {operation.value.replace("-", "_") for operation in possible_operations(row)}

    @button(_("Send test"), icon="send", path=Operation.SEND_TEST.value, colour="primary")
    @confirmed(
        Question(
            title=_("Send test"),
            text=_(
                "An event of the type portal.test is sent to the receiver at once; to one that answers clicks, a click with the "
                "action portal.test. It is not recorded."
            ),
            submit=_("Send test"),
        )
    )
    def test(self, request: HttpRequest, row: Subscription) -> None:
        _require(Operation.SEND_TEST, row)
        outcome = send_test(row)
        result, answer = outcome.asked.result, outcome.asked.answer
        if not result.is_success:
            said = gettext("The receiver did not take it. %(reason)s") % {
                "reason": shown(redact_text(result.summary))
            }
            self.message_user(request, said, messages.ERROR)
        elif answer is None:
            said = gettext("The receiver took it: HTTP %(status)s.") % {"status": result.status}
            self.message_user(request, said, messages.SUCCESS)
        else:
            self.message_user(request, _answer_in_words(answer, outcome.seconds), messages.SUCCESS)
            if outcome.seconds > ANSWER_SECONDS:
                late = gettext(
                    "That is too late: whoever clicks is told after about 2 s that it is being worked on, and gets the card "
                    "afterwards."
                )
                self.message_user(request, late, messages.WARNING)

    @button(pgettext_lazy("subscription", "Pause"), icon="pause", path=Operation.PAUSE.value)
    @confirmed(
        Question(
            title=pgettext_lazy("subscription", "Pause"),
            text=_(
                "Nothing more is delivered. New events are kept for some days, until the subscription is resumed. Clicks that "
                "it answers are not kept: they fail."
            ),
            submit=pgettext_lazy("subscription", "Pause"),
        )
    )
    def pause(self, request: HttpRequest, row: Subscription) -> None:
        service.pause(row, actor=actor_of(request))

    @button(
        pgettext_lazy("subscription", "Resume"),
        icon="play_arrow",
        path=Operation.RESUME.value,
        colour="primary",
    )
    @confirmed(
        Question(
            title=pgettext_lazy("subscription", "Resume"),
            text=_("Waiting events are delivered, the oldest first."),
            submit=pgettext_lazy("subscription", "Resume"),
        )
    )
    def resume(self, request: HttpRequest, row: Subscription) -> None:
        service.resume(row, actor=actor_of(request))

    @button(_("Switch off"), icon="power_settings_new", path=Operation.SWITCH_OFF.value, colour="warning")
    @confirmed(
        Question(
            title=_("Switch off"),
            text=_(
                "Nothing more is delivered, waiting deliveries are discarded, and new events are not kept."
            ),
            submit=_("Switch off"),
            danger=True,
        )
    )
    def switch_off(self, request: HttpRequest, row: Subscription) -> None:
        service.switch_off(row, actor=actor_of(request))

    @button(_("Replace secret"), icon="autorenew", path=Operation.ROTATE.value, colour="warning")
    @confirmed(
        Question(
            title=_("Replace secret"),
            text=_(
                "The new secret is shown once, on the next page. For 24 hours everything is signed with both, so that the "
                "receiver can change over in its own time."
            ),
            submit=_("Replace secret"),
        )
    )
    def rotate(self, request: HttpRequest, row: Subscription) -> HttpResponseBase:
        _require(Operation.ROTATE, row)
        secret = service.rotate_secret(row, actor=actor_of(request))
        return self.show_secret(request, row, secret)

    @button(_("Replay failed…"), icon="replay", path="replay-failed")
    def replay_failed(self, request: HttpRequest, object_id: str) -> HttpResponseBase:
        row = self.visible_or_404(request, unquote(object_id))
        query = urlencode({"subscription": str(row.pk)})
        return HttpResponseRedirect(f"{reverse('admin:events_event_replay_matching')}?{query}")

    def show_secret(self, request: HttpRequest, row: Subscription, secret: str) -> HttpResponse:
        """A page with it, which is the only one."""
        return show_once(
            request,
            self,
            row=row,
            title=_("The signing secret of %(name)s") % {"name": row.name},
            text=_(
                "This is the only time the secret is shown. Copy it now and keep it where the receiver reads its "
                "secrets: with it, the receiver checks that events come from here."
            ),
            secret=secret,
        )


def _require(operation: Operation, row: Subscription) -> None:
    """A page exists only where its operation is possible, e.g. none to send a test to a receiver that fetches."""
    if operation not in possible_operations(row):
        raise Http404


def _answer_in_words(answer: Json, seconds: float) -> str:
    toast, card = answer.get("toast"), answer.get("card")
    parts = [
        gettext("the toast “%(text)s”") % {"text": Truncator(toast.get("content") or "").chars(200)}
        if toast
        else "",
        gettext("a card") if card else "",
    ]
    return gettext("The receiver answered after %(seconds)s s with: %(parts)s.") % {
        "seconds": f"{seconds:.1f}",
        "parts": " · ".join(part for part in parts if part) or gettext("nothing to show"),
    }
