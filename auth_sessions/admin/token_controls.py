"""An operator's actions on a grant: ask for more scopes, refresh, revoke."""

from typing import TYPE_CHECKING

from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponseBase
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from auth_sessions.admin.asking import REFUSALS, ask_page
from auth_sessions.domain.refresh.gate import probe_soon
from auth_sessions.domain.refresh.revival import RefreshNow, refresh_now
from auth_sessions.domain.revocation.service import revoke, revoke_later
from auth_sessions.domain.tokens.scopes import ask_for_scopes, lacking, wanted_scopes
from auth_sessions.enums import RevocationState, TokenStatus
from auth_sessions.errors import CANNOT_ASK
from auth_sessions.models import UserToken
from core.console.actions import Question, ask_about, button, confirmed, is_confirmed
from core.console.base import ReadOnlyAdmin, actor_of
from core.console.rendering import scopes_on_one_line

if TYPE_CHECKING:
    Base = ReadOnlyAdmin[UserToken]
else:
    Base = object

MOST_AT_ONCE = 200
REVOKING = _(
    "The tokens are destroyed here and withdrawn at the platform. What runs with them stops at once. The person gets a notice "
    "and can authorize again."
)
REFRESHING = _(
    "The refresher fetches new tokens as soon as it can. While the app is paused, it is tried once, to see whether the "
    "platform accepts it again."
)

REFRESH_ANSWERS = {
    RefreshNow.DUE: _("The refresher does it next."),
    RefreshNow.LATER: _(
        "Nobody knows how the last refresh ended. The refresh token is sent again as soon as the access token is over, and not "
        "before: what works now is not put at risk."
    ),
    RefreshNow.UNDER_WAY: _("It is being refreshed at this moment."),
    RefreshNow.REFUSED: _(
        "The platform has refused this refresh token for good. Send the person an authorization card."
    ),
    RefreshNow.OVER: _("There is no refresh token that still works. Send the person an authorization card."),
}


class TokenControls(Base):
    """The part of the tokens' admin that changes data."""

    @button(_("Send authorization card"), icon="how_to_reg", path="send-card", colour="primary")
    def send_card(self, request: HttpRequest, object_id: str) -> HttpResponseBase:
        token = self.visible_or_404(request, unquote(object_id))
        return ask_page(token.bot, token.open_id, [])

    def fits(self, action: str, row: UserToken) -> bool:
        """A revoked authorization can only be asked for again; scopes are asked for only where some are missing."""
        match action:
            case "revoke":
                return row.status != TokenStatus.REVOKED
            case "refresh_now":
                return row.status != TokenStatus.REVOKED and row.is_renewable
            case "ask_for_more":
                return bool(lacking(row, wanted_scopes(row)))
            case _:
                return super().fits(action, row)

    @button(_("Ask for missing scopes"), icon="add_moderator", path="ask-for-more")
    @confirmed(
        lambda token: Question(
            title=_("Ask for missing scopes"),
            text=_(
                "The person gets a card that names what is asked for on top: %(scopes)s. What they have allowed stays."
            )
            % {"scopes": scopes_on_one_line(lacking(token, wanted_scopes(token)))},
            submit=_("Send card"),
        )
    )
    def ask_for_more(self, request: HttpRequest, token: UserToken) -> None:
        actor = actor_of(request)
        missing = lacking(token, wanted_scopes(token))
        try:
            session = ask_for_scopes(grant=token, scopes=missing, actor=actor)
        except CANNOT_ASK as error:
            self.message_user(request, str(REFUSALS.get(error.code, error)), messages.ERROR)
            return
        if session is None:
            self.message_user(request, gettext("Nothing is missing."), messages.INFO)
        else:
            self.message_user(request, gettext("The card is on its way."), messages.SUCCESS)

    @button(_("Refresh now"), icon="refresh", path="refresh-now")
    @confirmed(Question(title=_("Refresh now"), text=REFRESHING, submit=_("Refresh now")))
    def refresh_now(self, request: HttpRequest, token: UserToken) -> None:
        actor = actor_of(request)
        probe_soon(token.bot, actor=actor)
        outcome = refresh_now(token, actor=actor)
        level = messages.SUCCESS if outcome == RefreshNow.DUE else messages.WARNING
        self.message_user(request, str(REFRESH_ANSWERS[outcome]), level)

    @button(_("Revoke"), icon="block", path="revoke", colour="danger")
    @confirmed(Question(title=_("Revoke"), text=REVOKING, submit=_("Revoke"), danger=True))
    def revoke(self, request: HttpRequest, token: UserToken) -> None:
        outcome = revoke(grant=token, actor=actor_of(request))
        is_withdrawn = outcome.state in {RevocationState.DONE, RevocationState.OVERTAKEN}
        words = (
            gettext("The authorization was revoked, at the platform too.")
            if is_withdrawn
            else gettext(
                "The tokens are destroyed. The platform has not confirmed yet; the portal keeps trying."
            )
        )
        self.message_user(request, words, messages.SUCCESS if is_withdrawn else messages.WARNING)

    @admin.action(description=_("Revoke"))
    def revoke_chosen(self, request: HttpRequest, chosen: QuerySet[UserToken]) -> HttpResponseBase | None:
        """Asks for confirmation first; the form of that page repeats the choice."""
        grants = list(chosen.exclude(status=TokenStatus.REVOKED).select_related("bot")[: MOST_AT_ONCE + 1])
        if len(grants) > MOST_AT_ONCE:
            self.message_user(
                request,
                gettext("Choose no more than %(most)d at once.") % {"most": MOST_AT_ONCE},
                messages.ERROR,
            )
            return None
        if not is_confirmed(request):
            question = Question(
                title=ngettext(
                    "Revoke %(count)d authorization", "Revoke %(count)d authorizations", len(grants)
                )
                % {"count": len(grants)},
                text=REVOKING,
                submit=_("Revoke"),
                danger=True,
            )
            return ask_about(request, self, question, action="revoke_chosen", rows=grants)
        for grant in grants:
            revoke_later(grant=grant, actor=actor_of(request))
        words = ngettext(
            "%(count)d authorization was revoked.", "%(count)d authorizations were revoked.", len(grants)
        )
        self.message_user(request, words % {"count": len(grants)}, messages.SUCCESS)
        return None
