"""The console's look and its sidebar, for Unfold."""

from typing import Any

from django.http import HttpRequest
from django.templatetags.static import static
from django.urls import reverse_lazy
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


def _sees_everything(request: HttpRequest) -> bool:
    return bool(getattr(request.user, "sees_everything", False))


def _page(title: Promise, icon: str, route: str, *, is_of_portal: bool = False) -> dict[str, Any]:
    """A line of the sidebar: a list or a page by the name of its route, with a symbol of Material Symbols."""
    page = {"title": title, "icon": icon, "link": reverse_lazy(route)}
    return page | {"permission": _sees_everything} if is_of_portal else page


UNFOLD = {
    "SITE_TITLE": _("Feishu Portal"),
    "SITE_HEADER": _("Feishu Portal"),
    "SITE_SUBHEADER": _("Bots, events and authorizations"),
    "SITE_SYMBOL": "hub",
    "SITE_URL": None,
    "SITE_FAVICONS": [{"rel": "icon", "type": "image/svg+xml", "href": lambda _request: static("portal/icon.svg")}],
    "STYLES": [
        lambda _request: static("portal/console.css"),
        lambda _request: static("portal/overview.css"),
        lambda _request: static("portal/events.css"),
        lambda _request: static("portal/figures.css"),
    ],
    "SCRIPTS": [lambda _request: static("portal/console.js")],
    "ACCOUNT": {
        "navigation": [
            {"title": _("Sign-in and security"), "link": reverse_lazy("security")},
            {"title": _("Change password"), "link": reverse_lazy("admin:password_change")},
        ],
    },
    "SHOW_LANGUAGES": True,
    "SHOW_HISTORY": False,
    "SHOW_VIEW_ON_SITE": False,
    "BORDER_RADIUS": "8px",
    "DASHBOARD_CALLBACK": "feishu_portal.overview.dashboard.fill",
    "COLORS": {
        "primary": {
            "50": "239 244 255", "100": "219 230 254", "200": "191 211 254", "300": "147 180 253",
            "400": "96 141 250", "500": "51 112 255", "600": "36 91 219", "700": "29 72 184",
            "800": "30 58 138", "900": "30 50 102", "950": "23 33 66",
        },
    },
    "SIDEBAR": {
        "show_search": False,
        "navigation": [
            {
                "items": [
                    _page(_("Overview"), "space_dashboard", "admin:index"),
                ],
            },
            {
                "title": _("Bots"),
                "items": [
                    _page(_("Bots"), "smart_toy", "admin:bots_bot_changelist"),
                    _page(_("Connections"), "cable", "connections"),
                    _page(_("Lost connections"), "link_off", "admin:bots_connectionloss_changelist"),
                    _page(_("Incidents"), "emergency_home", "admin:bots_incident_changelist"),
                    _page(_("Processes"), "memory", "admin:bots_fleetprocess_changelist", is_of_portal=True),
                    _page(_("Sent messages"), "outgoing_mail", "admin:bots_sending_changelist"),
                    _page(_("Message batches"), "stacked_email", "admin:bots_messagebatch_changelist"),
                    _page(_("Streamed replies"), "keyboard", "admin:bots_replystream_changelist"),
                    _page(_("Card templates"), "dashboard_customize", "admin:bots_cardtemplate_changelist"),
                    _page(_("Greetings"), "waving_hand", "admin:greetings_greeting_changelist"),
                ],
            },
            {
                "title": _("Events"),
                "items": [
                    _page(_("Event log"), "stream", "admin:events_event_changelist"),
                    _page(_("Subscriptions"), "outbox", "admin:events_subscription_changelist"),
                    _page(_("Handlers"), "rule_settings", "admin:events_handledbot_handlers"),
                    _page(_("Load shedding"), "filter_alt_off", "admin:events_shedcount_changelist", is_of_portal=True),
                ],
            },
            {
                "title": _("Monitoring alerts"),
                "items": [
                    _page(_("Alert groups"), "notifications_active", "admin:alerts_alertgroup_changelist"),
                    _page(_("Alert receivers"), "forward_to_inbox", "admin:alerts_alertreceiver_changelist"),
                ],
            },
            {
                "title": _("Authorizations"),
                "items": [
                    _page(_("Authorization sessions"), "how_to_reg", "admin:auth_sessions_authsession_changelist"),
                    _page(_("Authorization campaigns"), "campaign", "admin:auth_sessions_campaign_changelist"),
                    _page(_("People"), "person", "admin:bots_person_changelist"),
                    _page(_("User tokens"), "key", "admin:auth_sessions_usertoken_changelist"),
                    _page(_("Token use"), "quick_reference_all", "admin:auth_sessions_tokenuse_changelist"),
                    _page(_("Approvals"), "approval_delegation", "admin:approvals_callapproval_changelist"),
                ],
            },
            {
                "title": _("Agents"),
                "items": [
                    _page(_("Connect an agent"), "power", "connect-agent"),
                    _page(_("Connected agents"), "robot_2", "admin:auth_sessions_connectedagent_changelist"),
                    _page(_("Access of agents"), "passkey", "admin:auth_sessions_agentaccess_changelist", is_of_portal=True),
                ],
            },
            {
                "title": _("Access"),
                "items": [
                    _page(_("Operators"), "group", "admin:access_user_changelist", is_of_portal=True),
                    _page(_("API clients"), "api", "admin:access_apiclient_changelist", is_of_portal=True),
                    _page(_("REST API"), "data_object", "api:openapi-view"),
                    _page(_("Audit log"), "history", "admin:access_auditentry_changelist"),
                ],
            },
        ],
    },
}  # fmt: skip
