"""Campaigns: a list of people, the count before anything is sent, cards on their way, and who has authorized."""

from datetime import timedelta
from typing import Any, Final

from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponseBase, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from auth_sessions.admin.asking import REFUSALS
from auth_sessions.admin.campaign_form import CampaignForm
from auth_sessions.campaigns.answers import CampaignAnswer, count_answers
from auth_sessions.campaigns.asking import CAMPAIGNS
from auth_sessions.campaigns.service import (
    MAX_REMINDERS,
    create_campaign,
    remind,
    send_cards,
    to_remind,
)
from auth_sessions.enums import Via
from auth_sessions.errors import CANNOT_ASK, RemindedTooOftenError
from auth_sessions.models import Campaign
from bots.admin.mailings import MailingAdmin, names_of_missing
from bots.enums import MailingState, RecipientState
from bots.errors import MailingStateError
from core.console.actions import Question, ask, button, confirmed, list_button, refuse_unless_manager
from core.console.base import actor_of, operator_of
from core.console.columns import column
from core.console.fieldsets import without
from core.console.filters import VisibleRelatedFilter, since
from core.console.rendering import EMPTY, progress_bar, scopes_in_words, when

ANSWER_SECONDS: Final = 15
"""After which a page that waits for answers is reloaded."""


def inapplicable(campaign: Campaign) -> set[str]:
    """Fields that say nothing of this campaign."""
    was_sent = campaign.started_at is not None
    shown = {
        "problem": campaign.code is not None or campaign.reason or campaign.said,
        "to_ask": not was_sent,
        "authorized_share": was_sent,
        "waiting": was_sent,
        "declined": was_sent,
        "failed": was_sent or campaign.count(RecipientState.FAILED),
        "missing": campaign.count(RecipientState.NOT_FOUND),
        "left_out": campaign.count(RecipientState.LEFT_OUT),
        "purpose": campaign.why,
        "started": was_sent,
        "reminded": campaign.reminded_at,
        "finished": campaign.finished_at,
    }
    return {name for name, value in shown.items() if not value}


def question_of_sending(campaign: Campaign) -> Question:
    """Counts before anything is sent."""
    count = campaign.count(RecipientState.READY)
    parts = [
        ngettext(
            "%(count)d person gets a card from the bot.", "%(count)d people get a card from the bot.", count
        )
        % {"count": count}
    ]
    if left := campaign.count(RecipientState.LEFT_OUT):
        parts.append(
            ngettext(
                "%(count)d has authorized already and is left out.",
                "%(count)d have authorized already and are left out.",
                left,
            )
            % {"count": left}
        )
    if missing := campaign.count(RecipientState.NOT_FOUND):
        names = names_of_missing(campaign.members)
        words = ngettext(
            "%(count)d was not found: %(names)s.", "%(count)d were not found: %(names)s.", missing
        )
        parts.append(words % {"count": missing, "names": names})
    if failed := campaign.count(RecipientState.FAILED):
        words = ngettext("%(count)d could not be looked up.", "%(count)d could not be looked up.", failed)
        parts.append(words % {"count": failed})
    return Question(title=_("Send cards"), text=" ".join(parts), submit=_("Send cards"))


def question_of_reminding(campaign: Campaign) -> Question:
    count = to_remind(campaign).count()
    text = ngettext(
        "%(count)d person has neither authorized nor declined and gets another card; the earlier one says that it is "
        "superseded.",
        "%(count)d people have neither authorized nor declined and get another card; the earlier ones say that they are "
        "superseded.",
        count,
    )
    return Question(title=_("Remind"), text=text % {"count": count}, submit=_("Remind"))


@admin.register(Campaign)
class CampaignAdmin(MailingAdmin[Campaign]):
    mailer = CAMPAIGNS
    cancelled_words = _("The campaign is cancelled.")
    changed_words = _("The campaign has changed in the meantime. This page shows how it stands now.")
    list_display = ("name", "bot", "state_label", "progress", "authorized_share", "who", "created")
    list_filter = ("state", since("created_at"), ("bot", VisibleRelatedFilter))
    list_select_related = ("bot",)
    search_fields = ("name__istartswith",)
    search_help_text = _("Beginning of the name")
    sortable_by = ()
    actions_list = ("new_campaign",)
    actions_detail = ("send", "remind", "retry", "show_people", "cancel")
    sent_words = _("%(done)d of %(all)d asked")
    fieldsets = (
        (None, {"fields": ("bot", "state_label", "progress", "authorized_share", "problem")}),
        (
            _("People"),
            {"fields": ("to_ask", "waiting", "declined", "failed", "missing", "left_out")},
        ),
        (_("Request"), {"fields": ("who", "purpose", "scopes_shown", "flow", "card_days")}),
        (_("Times"), {"fields": ("created_in_full", "started", "reminded", "finished")}),
    )
    readonly_fields = (
        "bot", "state_label", "progress", "authorized_share", "problem", "to_ask", "waiting", "declined", "failed", "missing",
        "left_out", "who", "purpose", "scopes_shown", "flow", "card_days", "created_in_full", "started", "reminded", "finished",
    )  # fmt: skip
    empty_title = _("No campaigns yet")
    empty_text = _(
        "A campaign asks many people at once: by name, e-mail or department, counted before anything is sent, with reminders "
        "for those who have not answered."
    )

    def get_urls(self) -> list[URLPattern]:
        page = path("new/", self.admin_site.admin_view(self.form_view), name="auth_sessions_campaign_form")
        return [page, *super().get_urls()]

    def get_fieldsets(self, request: HttpRequest, obj: Campaign | None = None) -> Any:
        fieldsets = super().get_fieldsets(request, obj)
        return fieldsets if obj is None else without(fieldsets, inapplicable(obj))

    def form_view(self, request: HttpRequest) -> HttpResponseBase:
        """The list of people and what they are asked for; ``bot`` in the address chooses it."""
        operator = operator_of(request)
        refuse_unless_manager(request)
        if request.method != "POST":
            form = CampaignForm(operator=operator, initial={"bot": request.GET.get("bot"), "card_days": 3})
        else:
            form = CampaignForm(request.POST, operator=operator)
            if form.is_valid() and (campaign := self._create(request, form)) is not None:
                return HttpResponseRedirect(
                    reverse("admin:auth_sessions_campaign_change", args=[campaign.pk])
                )
        question = Question(
            title=_("New authorization campaign"),
            text=_(
                "First everybody is looked up. You then see who will get a card, who was not found and who has authorized "
                "already; nothing is sent before you confirm."
            ),
            submit=_("Look people up"),
        )
        return ask(request, self, question, form=form)

    def _create(self, request: HttpRequest, form: CampaignForm) -> Campaign | None:
        asked = form.cleaned_data
        try:
            return create_campaign(
                bot=asked["bot"],
                name=asked["name"],
                named=asked["named"],
                actor=actor_of(request),
                scopes=asked["scopes"] or None,
                why=asked["why"],
                via=Via(asked["via"]) if asked["via"] else None,
                card_days=asked["card_days"],
            )
        except CANNOT_ASK as error:
            self.message_user(request, str(REFUSALS.get(error.code, error)), messages.ERROR)
            return None

    def followed_every(self, mailing: Campaign) -> int:
        """Answers come in as long as the cards work."""
        asked, ended = mailing.count(RecipientState.SENT), mailing.finished_at
        if mailing.state == MailingState.DONE and ended and mailing.authorized < asked:
            return ANSWER_SECONDS if timezone.now() < ended + timedelta(days=mailing.card_days) else 0
        return super().followed_every(mailing)

    # --- columns and read-only fields

    @column(_("who has authorized"))
    def authorized_share(self, campaign: Campaign) -> str:
        if campaign.started_at is None:
            return EMPTY
        asked = campaign.count(RecipientState.SENT)
        words = gettext("%(done)d of %(all)d authorized") % {"done": campaign.authorized, "all": asked}
        return progress_bar(campaign.authorized, max(asked, campaign.authorized), words)

    @column(_("will get a card"))
    def to_ask(self, campaign: Campaign) -> str:
        return self.recipients_link(
            campaign, campaign.count(RecipientState.READY), state__exact=RecipientState.READY
        )

    @column(_("not yet"))
    def waiting(self, campaign: Campaign) -> str:
        return self.recipients_link(campaign, count_answers(campaign).waiting, answer=CampaignAnswer.WAITING)

    @column(_("declined"))
    def declined(self, campaign: Campaign) -> str:
        return self.recipients_link(
            campaign, count_answers(campaign).declined, answer=CampaignAnswer.DECLINED
        )

    @column(_("failed"))
    def failed(self, campaign: Campaign) -> str:
        return self.recipients_link(campaign, count_answers(campaign).failed, answer=CampaignAnswer.FAILED)

    @column(_("not found"))
    def missing(self, campaign: Campaign) -> str:
        """With the names, so that they can be put right."""
        count = campaign.count(RecipientState.NOT_FOUND)
        link = self.recipients_link(campaign, count, state__exact=RecipientState.NOT_FOUND)
        names = names_of_missing(campaign.members)
        return format_html('{} <span class="portal-subtle">{}</span>', link, names)

    @column(_("authorized already"))
    def left_out(self, campaign: Campaign) -> str:
        count = campaign.count(RecipientState.LEFT_OUT)
        return self.recipients_link(campaign, count, state__exact=RecipientState.LEFT_OUT)

    @column(_("purpose"))
    def purpose(self, campaign: Campaign) -> str:
        return campaign.why or EMPTY

    @column(_("scopes"))
    def scopes_shown(self, campaign: Campaign) -> str:
        return scopes_in_words(campaign.scopes)

    @column(_("consent"))
    def flow(self, campaign: Campaign) -> str:
        return str(Via(campaign.via).label if campaign.via else _("Automatic"))

    @column(_("reminded"))
    def reminded(self, campaign: Campaign) -> str:
        return when(campaign.reminded_at)

    # --- actions

    def fits(self, action: str, row: Campaign) -> bool:
        match action:
            case "send":
                return row.state == MailingState.READY and bool(row.count(RecipientState.READY))
            case "remind":
                return (
                    row.state == MailingState.DONE
                    and row.round < MAX_REMINDERS
                    and row.authorized < row.count(RecipientState.SENT)
                )
            case _:
                return super().fits(action, row)

    @list_button(_("New campaign"), icon="add", path="new-campaign")
    def new_campaign(self, request: HttpRequest) -> HttpResponseBase:  # noqa: ARG002 -- Unfold's signature
        return HttpResponseRedirect(reverse("admin:auth_sessions_campaign_form"))

    @button(_("Send cards"), icon="send", path="send", colour="primary")
    @confirmed(question_of_sending)
    def send(self, request: HttpRequest, campaign: Campaign) -> None:
        try:
            send_cards(campaign, actor=actor_of(request))
        except MailingStateError:
            self.say_changed(request)
        else:
            self.message_user(request, gettext("The cards are on their way."), messages.SUCCESS)

    @button(_("Remind"), icon="notifications", path="remind")
    @confirmed(question_of_reminding)
    def remind(self, request: HttpRequest, campaign: Campaign) -> None:
        try:
            count = remind(campaign, actor=actor_of(request))
        except MailingStateError:
            self.say_changed(request)
        except RemindedTooOftenError:
            words = gettext("Everybody was asked less than an hour ago, or often enough. Remind them later.")
            self.message_user(request, words, messages.WARNING)
        else:
            words = ngettext("%(count)d person is reminded.", "%(count)d people are reminded.", count)
            self.message_user(request, words % {"count": count}, messages.SUCCESS)

    @button(_("Try the failed again"), icon="replay", path="try-again")
    @confirmed(
        Question(
            title=_("Try the failed again"),
            text=_(
                "Who was not found or could not be looked up is looked up again, and who could not be asked is asked again."
            ),
            submit=_("Try again"),
        )
    )
    def retry(self, request: HttpRequest, campaign: Campaign) -> None:
        self.retry_now(request, campaign)

    @button(_("Show people"), icon="group", path="people", changes=False)
    def show_people(self, request: HttpRequest, object_id: str) -> HttpResponseBase:
        return self.to_recipients(request, object_id)

    @button(_("Cancel campaign"), icon="cancel", path="cancel", colour="danger")
    @confirmed(
        Question(
            title=_("Cancel campaign"),
            text=_(
                "Nobody more is asked. Cards that were sent and not answered say that the request was withdrawn; who has "
                "authorized stays so."
            ),
            submit=_("Cancel campaign"),
            danger=True,
        )
    )
    def cancel(self, request: HttpRequest, campaign: Campaign) -> None:
        self.cancel_now(request, campaign)
