"""The groups of a bot: which of their messages it answers, where that is not as in its others."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from django import forms
from django.contrib import messages
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied, ValidationError
from django.forms import BoundField
from django.http import HttpRequest, HttpResponseBase, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.utils.html import format_html
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from bots.admin.people import LOOKUP_ERRORS, why_not_looked_up
from bots.enums import GroupPolicy
from bots.errors import TooManyExceptionsError
from bots.groups.service import MAX_EXCEPTIONS, set_group_policies
from bots.models import Bot, GroupException
from bots.people.chats import MAX_LISTED, chats_of
from bots.people.keys import folded
from bots.validators import validate_chat_id
from core.console.actions import button
from core.console.base import ConsoleAdmin, actor_of, operator_of
from core.console.rendering import actor, ago

if TYPE_CHECKING:
    Base = ConsoleAdmin[Bot]
else:
    Base = object

MAX_SHOWN: Final = 100
"""Groups on one page; the others are searched for."""
PREFIX: Final = "group-"
"""Of the name of a group's field, before the chat's ID."""


@dataclass(frozen=True, slots=True)
class Group:
    """One group as the page shows it. ``is_left``: it has an exception, and the bot is no longer in it."""

    chat_id: str
    name: str
    exception: GroupException | None = None
    is_left: bool = False

    @property
    def set_by(self) -> str:
        """Who set the exception, and when; empty without one."""
        if self.exception is None:
            return ""
        return format_html("{} · {}", actor(self.exception.changed_by), ago(self.exception.changed_at))


class GroupsForm(forms.Form):
    """A choice for each group, and one for a group that is named by its ID. What nobody touched is left as it is stored."""

    chat_id = forms.CharField(
        label=_("Another group, by its chat ID"),
        max_length=128,
        required=False,
        validators=[validate_chat_id],
        widget=UnfoldAdminTextInputWidget({"placeholder": "oc_…", "spellcheck": "false"}),
    )
    policy = forms.ChoiceField(
        label=_("Answers there"),
        choices=GroupPolicy.choices,
        required=False,
        widget=UnfoldAdminSelectWidget,
    )

    def __init__(
        self, bot: Bot, groups: Iterable[Group], *args: Any, may_change: bool, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        as_bot = gettext("As set for the bot: %(policy)s") % {"policy": GroupPolicy(bot.group_policy).label}
        self.groups = list(groups)
        for group in self.groups:
            self.fields[PREFIX + group.chat_id] = forms.ChoiceField(
                choices=[("", as_bot), *GroupPolicy.choices],
                required=False,
                initial=group.exception.policy if group.exception else "",
                show_hidden_initial=True,
                widget=UnfoldAdminSelectWidget({"aria-label": group.name or group.chat_id}),
            )
        if not may_change:
            del self.fields["chat_id"], self.fields["policy"]
            for field in self.fields.values():
                field.disabled = True

    @property
    def rows(self) -> list[tuple[Group, BoundField]]:
        return [(group, self[PREFIX + group.chat_id]) for group in self.groups]

    @property
    def wanted(self) -> dict[str, GroupPolicy | None]:
        """What was changed, by chat."""
        chosen = {
            name.removeprefix(PREFIX): self.cleaned_data[name]
            for name in self.changed_data
            if name.startswith(PREFIX)
        }
        if chat_id := self.cleaned_data["chat_id"]:
            chosen[chat_id] = self.cleaned_data["policy"]
        return {chat_id: GroupPolicy(policy) if policy else None for chat_id, policy in chosen.items()}

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        if cleaned.get("chat_id") and not cleaned.get("policy"):
            self.add_error("policy", _("Choose when the bot answers there."))
        return cleaned


class GroupPages(Base):
    """The part of the bots' admin that is about its groups."""

    @button(_("Groups"), icon="groups", path="groups", changes=False)
    def groups(self, request: HttpRequest, object_id: str) -> HttpResponseBase:
        """The groups that the bot is in, as the platform lists them, and those that have an exception."""
        bot = self.visible_or_404(request, unquote(object_id))
        may_change = self.has_change_permission(request, bot)
        if request.method == "POST" and not may_change:
            raise PermissionDenied
        names, is_whole, problem = _listed(request, bot) if may_change else ({}, False, "")
        exceptions = {row.chat_id: row for row in bot.group_exceptions.order_by("name", "chat_id")}
        searched = request.GET.get("q", "").strip()
        if request.method == "POST":
            posted = [name.removeprefix(PREFIX) for name in request.POST if _is_group(name)][:MAX_SHOWN]
            shown = [_group(chat_id, names, exceptions, is_whole=is_whole) for chat_id in posted]
            form = GroupsForm(bot, shown, request.POST, may_change=may_change)
            if form.is_valid() and self._save(request, bot, form, names):
                return HttpResponseRedirect(request.get_full_path())
            total = len(shown)
        else:
            chat_ids = [*exceptions, *(one for one in names if one not in exceptions)]
            groups = [_group(chat_id, names, exceptions, is_whole=is_whole) for chat_id in chat_ids]
            found = [one for one in groups if folded(searched) in folded(f"{one.name} {one.chat_id}")]
            form = GroupsForm(bot, found[:MAX_SHOWN], may_change=may_change)
            total = len(found)
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "original": bot,
            "title": gettext("Groups of %(bot)s") % {"bot": bot.name},
            "policy": GroupPolicy(bot.group_policy).label,
            "form": form,
            "rows": form.rows,
            "may_change": may_change,
            "problem": problem,
            "searched": searched,
            "is_searchable": searched or total > 10,
            "total": total if total > MAX_SHOWN else 0,
            "shown": MAX_SHOWN,
            "listed": MAX_LISTED if names and not is_whole else 0,
            "media": self.media + form.media,
        }
        return TemplateResponse(request, "admin/bots/bot/groups.html", context)

    def _save(self, request: HttpRequest, bot: Bot, form: GroupsForm, names: Mapping[str, str]) -> bool:
        try:
            changed = set_group_policies(bot=bot, wanted=form.wanted, names=names, actor=actor_of(request))
        except TooManyExceptionsError:
            words = _("A bot has %(most)d exceptions at most. Nothing was changed.")
            form.add_error(None, ValidationError(words, params={"most": MAX_EXCEPTIONS}))
            return False
        said = ngettext("%(count)d group is set.", "%(count)d groups are set.", changed) % {"count": changed}
        self.message_user(request, said if changed else gettext("Nothing was changed."), messages.SUCCESS)
        return True


def _listed(request: HttpRequest, bot: Bot) -> tuple[dict[str, str], bool, str]:
    """The names of the bot's groups by chat, and whether these are all; or why the platform does not say them."""
    try:
        chats = chats_of(bot, asked_by=operator_of(request).pk)
    except LOOKUP_ERRORS as error:
        return {}, False, why_not_looked_up(error)
    names = {chat.chat_id: chat.name for chat in chats.listed if _is_chat_id(chat.chat_id)}
    return names, chats.is_all, ""


def _group(
    chat_id: str, names: Mapping[str, str], exceptions: Mapping[str, GroupException], *, is_whole: bool
) -> Group:
    exception = exceptions.get(chat_id)
    name = names.get(chat_id) or (exception.name if exception else "")
    return Group(
        chat_id, name, exception, is_left=is_whole and exception is not None and chat_id not in names
    )


def _is_group(field: str) -> bool:
    return field.startswith(PREFIX) and _is_chat_id(field.removeprefix(PREFIX))


def _is_chat_id(text: str) -> bool:
    try:
        validate_chat_id(text)
    except ValidationError:
        return False
    return len(text) <= 128
