"""Alert receivers: which chat gets the alerts of which Alertmanager."""

from typing import TYPE_CHECKING, Any, Final, cast

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from bots.admin.chat_picker import ChatInput
from bots.validators import validate_chat_id
from core.console.base import ConsoleAdmin, actor_of
from core.console.columns import column
from core.console.rendering import EMPTY, copyable, identifier, text_block, when
from events.admin.subscription_form import check_network, check_url
from feishu_portal.alerts import service
from feishu_portal.alerts.models import AlertReceiver

if TYPE_CHECKING:
    ModelForm = forms.ModelForm[AlertReceiver]
else:
    ModelForm = forms.ModelForm

_CONFIGURATION: Final = """\
receivers:
  - name: feishu
    webhook_configs:
      - url: {address}
        send_resolved: true
        http_config:
          authorization:
            credentials_file: /etc/alertmanager/feishu-portal-key
"""


class AlertReceiverForm(ModelForm):
    class Meta:
        model = AlertReceiver
        fields = ("name", "bot", "chat_id", "alertmanager_url")
        labels = {"chat_id": _("Group")}
        widgets = {"chat_id": ChatInput}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if (chat := self.fields.get("chat_id")) is not None and self.instance.bot_id is not None:
            cast("ChatInput", chat.widget).bot = self.instance.bot

    def clean_chat_id(self) -> str:
        chat_id: str = self.cleaned_data["chat_id"].strip()
        validate_chat_id(chat_id)
        return chat_id

    def clean_alertmanager_url(self) -> str:
        url: str = self.cleaned_data["alertmanager_url"].strip()
        if url:
            try:
                check_url(url)
            except ValidationError:
                raise ValidationError(
                    _("Use an address such as http://alertmanager.example.com:9093.")
                ) from None
            check_network(url)
        return url


@admin.register(AlertReceiver)
class AlertReceiverAdmin(ConsoleAdmin[AlertReceiver]):
    form = AlertReceiverForm
    list_display = ("name", "bot", "chat", "silences_at")
    list_select_related = ("bot",)
    search_fields = ("name", "chat_id__exact")
    search_help_text = _("Name, or chat ID in full")
    sortable_by = ("name",)
    add_fieldsets = (
        (
            None,
            {
                "fields": ("name", "bot", "chat_id", "alertmanager_url"),
                "description": _(
                    "Alertmanager sends its alerts to the address on the page that follows, with the key of an API client that "
                    "has the scope alerts:send. Each group of alerts becomes one card in the chat, changed in place."
                ),
            },
        ),
    )
    fieldsets = (
        (None, {"fields": ("name", "bot_shown", "chat_id", "alertmanager_url", "created")}),
        (_("For alertmanager.yml"), {"fields": ("address", "configuration")}),
    )
    readonly_fields = ("bot_shown", "created", "address", "configuration")
    empty_title = _("No alert receivers yet")
    empty_text = _(
        "An alert receiver shows the alerts of Prometheus in a chat, where people acknowledge and silence them: add one, and "
        "name its address in alertmanager.yml."
    )

    def get_fieldsets(self, request: HttpRequest, obj: AlertReceiver | None = None) -> Any:
        return self.add_fieldsets if obj is None else super().get_fieldsets(request, obj)

    @column(_("chat ID"))
    def chat(self, receiver: AlertReceiver) -> str:
        return identifier(receiver.chat_id)

    @column(_("silences at"))
    def silences_at(self, receiver: AlertReceiver) -> str:
        return identifier(receiver.alertmanager_url) if receiver.alertmanager_url else EMPTY

    @column(_("bot"))
    def bot_shown(self, receiver: AlertReceiver) -> str:
        return str(receiver.bot)

    @column(_("created"))
    def created(self, receiver: AlertReceiver) -> str:
        return when(receiver.created_at)

    @column(_("address"))
    def address(self, receiver: AlertReceiver) -> str:
        return copyable(address_of(receiver), testid="alerts-address")

    @column(_("configuration"))
    def configuration(self, receiver: AlertReceiver) -> str:
        return text_block(_CONFIGURATION.format(address=address_of(receiver)))

    def save_model(
        self,
        request: HttpRequest,
        obj: AlertReceiver,
        form: Any,
        change: bool,  # noqa: FBT001 -- Django's signature
    ) -> None:
        actor = actor_of(request)
        if change:
            service.change_receiver(obj, changed=form.changed_data, actor=actor)
        else:
            service.add_receiver(obj, actor=actor)

    def response_add(
        self,
        request: HttpRequest,
        obj: AlertReceiver,
        post_url_continue: str | None = None,  # noqa: ARG002 -- Django's signature
    ) -> HttpResponse:
        """On to the page with the address for alertmanager.yml."""
        self.message_user(request, gettext("Now name its address in alertmanager.yml."), messages.SUCCESS)
        return HttpResponseRedirect(self.page_after(request, obj))

    def get_deleted_objects(
        self,
        objs: Any,
        request: HttpRequest,  # noqa: ARG002 -- Django's signature
    ) -> tuple[list[Any], dict[str, int], set[str], list[str]]:
        """Without a count of its groups, which may be many."""
        names = [str(one) for one in objs]
        return [*names, _("the record of its alerts; cards in the chat stay")], {}, set(), []

    def delete_model(self, request: HttpRequest, obj: AlertReceiver) -> None:
        service.remove_receiver(obj, actor=actor_of(request))


def address_of(receiver: AlertReceiver) -> str:
    """Where Alertmanager sends its messages; a path where the portal does not know its own address."""
    return f"{settings.PUBLIC_URL}/api/v1/alertmanager/{receiver.pk}"
