"""Subscriptions: what internal systems get, how far they are behind, and how they are stored."""

from typing import Any

from django.contrib import admin
from django.db.models import Prefetch, QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from bots.models import Bot
from core.console.badges import state
from core.console.base import ConsoleAdmin, actor_of, operator_of
from core.console.columns import column
from core.console.fields import NamedMultipleChoiceField
from core.console.fieldsets import without
from core.console.rendering import EMPTY, ago, copyable, duration, identifier, when
from core.vault.redaction import redact_text
from events.admin.subscription_controls import SubscriptionControls
from events.admin.subscription_form import SubscriptionForm
from events.admin.timeline import DELIVERY_COLOURS
from events.enums import DeliveryStatus, SubscriptionKind, SubscriptionState
from events.models import Delivery, Subscription
from events.subscriptions import service
from events.subscriptions.http.failures import shown
from events.subscriptions.lag import lag_of, newest_deliveries, with_oldest

COLOURS = {
    SubscriptionState.ACTIVE: "success",
    SubscriptionState.PAUSED: "warning",
    SubscriptionState.FAILING: "danger",
    SubscriptionState.GONE: "danger",
}
POSTED = "typeof kind === 'undefined' || kind != 'pull'"
DELIVERED = "typeof kind === 'undefined' || kind != 'answer'"
PUSHED = "typeof kind === 'undefined' || kind == 'push'"
SHOWN = ("name", "app_id")
"""Columns of a bot that the form shows: a subscription may have a thousand."""
ASKED = ("name", "kind", "url", "all_bots", "bots", "event_types", "filter", "expand", "per_second")


@admin.register(Subscription)
class SubscriptionAdmin(SubscriptionControls, ConsoleAdmin[Subscription]):
    form = SubscriptionForm
    list_display = ("name", "state_label", "goes_to", "behind", "succeeded", "failing", "whose")
    list_filter = ("state", "kind")
    list_select_related = ("owner",)
    search_fields = ("name", "url")
    search_help_text = _("Name or address")
    sortable_by = ("name",)
    autocomplete_fields = ()
    filter_horizontal = ()
    add_fieldsets = (
        (
            None,
            {
                "fields": ASKED,
                "description": _(
                    "What is sent to an address is signed by the Standard Webhooks scheme; the secret is shown once, on the page "
                    "that follows. A receiver that cannot be reached from here fetches its events with an API key instead."
                ),
            },
        ),
    )
    fieldsets = (
        (
            _("Status"),
            {"fields": ("state_in_full", "lag", "succeeded_in_full", "failing_in_full", "problem")},
        ),
        (_("Newest deliveries"), {"fields": ("newest",)}),
        (
            _("Subscription"),
            {"fields": ("name", "kind_label", "goes_to_in_full", "url", "all_bots", "bots", "event_types", "filter", "expand", "per_second")},
        ),
        (_("About"), {"fields": ("whose", "created")}),
    )  # fmt: skip
    readonly_fields = (
        "state_in_full", "lag", "succeeded_in_full", "failing_in_full", "problem", "newest", "kind_label", "goes_to_in_full",
        "whose", "created",
    )  # fmt: skip
    # Only the page to add one asks for the kind.
    conditional_fields = {"bots": "!all_bots", "url": POSTED, "expand": DELIVERED, "per_second": PUSHED}
    actions_row = ("test", "pause", "resume", "switch_off", "replay_failed")
    actions_detail = ("test", "pause", "resume", "switch_off", "rotate", "replay_failed")
    empty_title = _("No subscriptions yet")
    empty_text = _(
        "A subscription delivers a bot's events to an internal system: add one and hand its secret over."
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Subscription]:
        rows = super().get_queryset(request)
        match = request.resolver_match
        page = (match.url_name or "") if match else ""
        if page.endswith("_changelist"):
            return with_oldest(rows)
        if page.endswith("_change"):
            bots = Bot.objects.only(*SHOWN)
            if not self.has_change_permission(request):  # the page names them without a form
                bots = bots.visible_to(operator_of(request))
            return rows.prefetch_related(Prefetch("bots", queryset=bots))
        return rows

    def get_fieldsets(self, request: HttpRequest, obj: Subscription | None = None) -> Any:
        if obj is None:
            return self.add_fieldsets
        hidden = {
            SubscriptionKind.PUSH: {"goes_to_in_full"},
            SubscriptionKind.PULL: {"url", "per_second"},
            SubscriptionKind.ANSWER: {"goes_to_in_full", "expand", "per_second"},
        }[SubscriptionKind(obj.kind)]
        return without(super().get_fieldsets(request, obj), hidden)

    def formfield_for_manytomany(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "bots":
            kwargs |= {
                "form_class": NamedMultipleChoiceField,
                "queryset": Bot.objects.visible_to(operator_of(request)).only(*SHOWN),
                "detail": "app_id",
                "search": _("Name or App ID"),
            }
        return super().formfield_for_manytomany(db_field, request, **kwargs)

    # --- columns

    @column(_("state"))
    def state_label(self, row: Subscription) -> str:
        return state(SubscriptionState(row.state), COLOURS)

    @column(_("delivered to"))
    def goes_to(self, row: Subscription) -> str:
        return identifier(row.url) if row.url else str(SubscriptionKind(row.kind).label)

    @column(_("waits since"))
    def behind(self, row: Subscription) -> str:
        return ago(row.waits_since)  # type: ignore[attr-defined]  # annotated for the list

    @column(_("last success"))
    def succeeded(self, row: Subscription) -> str:
        return ago(row.last_success_at)

    @column(_("failures in a row"))
    def failing(self, row: Subscription) -> str:
        return str(row.failures) if row.failures else EMPTY

    @column(_("owner"))
    def whose(self, row: Subscription) -> str:
        return str(row.owner) if row.owner else EMPTY

    # --- the page

    @column(_("state"))
    def state_in_full(self, row: Subscription) -> str:
        probe = format_html(" {} {}", gettext("next probe"), ago(row.probe_at)) if row.probe_at else ""
        return format_html("{} {}{}", self.state_label(row), ago(row.state_since), probe)

    @column(_("waiting"))
    def lag(self, row: Subscription) -> str:
        lag = lag_of(row)
        return format_html("{} · {}", lag.waiting, ago(lag.oldest)) if lag.oldest else "0"

    @column(_("last success"))
    def succeeded_in_full(self, row: Subscription) -> str:
        return when(row.last_success_at)

    @column(_("last failure"))
    def failing_in_full(self, row: Subscription) -> str:
        return when(row.last_failure_at)

    @column(_("last error"))
    def problem(self, row: Subscription) -> str:
        text = shown(redact_text(row.last_error))
        return format_html('<span class="portal-said">{}</span>', text) if text else EMPTY

    @column(_("deliveries"))
    def newest(self, row: Subscription) -> str:
        lines = [_line(delivery) for delivery in newest_deliveries(row)]
        return render_to_string("admin/events/subscription/deliveries.html", {"deliveries": lines})

    @column(_("delivery"))
    def kind_label(self, row: Subscription) -> str:
        return str(SubscriptionKind(row.kind).label)

    @column(_("fetch from"))
    def goes_to_in_full(self, row: Subscription) -> str:
        return copyable(f"/api/v1/subscriptions/{row.pk}/events", testid="pull-address")

    @column(_("created"))
    def created(self, row: Subscription) -> str:
        return when(row.created_at)

    # --- writing

    def save_model(self, request: HttpRequest, obj: Subscription, form: Any, change: bool) -> None:  # noqa: FBT001 -- Django's
        actor = actor_of(request)
        bots = form.cleaned_data["bots"]
        if change:
            changed = list(form.changed_data)
            service.change_subscription(obj, bots=bots, changed=changed, actor=actor)
            return
        obj.owner = operator_of(request)
        # Carried to response_add, which answers this very request; stored nowhere but sealed.
        request.new_secret = service.add_subscription(obj, bots=bots, actor=actor)  # type: ignore[attr-defined]

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:  # noqa: FBT001 -- Django's
        """The bots were saved with the subscription."""

    def response_add(
        self, request: HttpRequest, obj: Subscription, post_url_continue: str | None = None
    ) -> HttpResponse:
        secret: str = request.new_secret  # type: ignore[attr-defined]
        if secret:
            return self.show_secret(request, obj, secret)
        return super().response_add(request, obj, post_url_continue or _page_of(obj))

    def get_deleted_objects(
        self,
        objs: Any,
        request: HttpRequest,  # noqa: ARG002 -- Django's signature
    ) -> tuple[list[Any], dict[str, int], set[str], list[str]]:
        names = [str(one) for one in objs]
        lost = [gettext("its waiting deliveries; what was delivered stays on record with its event")]
        return [*names, lost], {str(self.opts.verbose_name_plural): len(names)}, set(), []

    def delete_model(self, request: HttpRequest, obj: Subscription) -> None:
        service.remove(obj, actor=actor_of(request))


def _page_of(row: Subscription) -> str:
    return reverse("admin:events_subscription_change", args=[row.pk])


def _line(delivery: Delivery) -> dict[str, Any]:
    """One delivery as the page shows it, with its attempts."""
    return {
        "event": delivery.event,
        "bot": delivery.event.bot,
        "address": reverse("admin:events_event_change", args=[delivery.event_id]),
        "label": state(DeliveryStatus(delivery.status), DELIVERY_COLOURS),
        "at": ago(delivery.event.received_at),
        "next": ago(delivery.run_at) if delivery.status == DeliveryStatus.RETRYING else "",
        # Why it ended before its first attempt, e.g. because the subscription was paused.
        "said": shown(redact_text(delivery.error)),
        "attempts": [
            {
                "number": one.number,
                "took": duration(one.finished_at - one.started_at),
                "said": shown(redact_text(one.error or f"HTTP {one.status_code} {one.response}".strip())),
            }
            for one in delivery.attempt_log.all()
        ],
    }
