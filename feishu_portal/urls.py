"""Every address of the portal."""

from django.contrib import admin
from django.urls import include, path, re_path
from django.views.generic import RedirectView

from auth_sessions.pages import operator_sign_in
from auth_sessions.pages.agents import metadata
from core.access.pages import setup
from core.access.roles import for_every_role
from feishu_portal.api import api, connections
from feishu_portal.api.error_pages import ROOTS, unknown_path
from feishu_portal.approvals.pages import own_section, whole_call
from feishu_portal.connect_agent import page as connect_agent
from feishu_portal.overview import silencing
from feishu_portal.overview.connections import views as connections_page

admin.autodiscover()

urlpatterns = [
    path("", RedirectView.as_view(pattern_name="admin:index")),
    path("admin/connections/", admin.site.admin_view(connections_page.board), name="connections"),
    path(
        "admin/connections/changes/",
        admin.site.admin_view(connections_page.changes),
        name="connections-changes",
    ),
    path(
        "admin/connections/<int:slot_id>/",
        admin.site.admin_view(connections_page.panel),
        name="connections-panel",
    ),
    path(
        "admin/connections/bots/", admin.site.admin_view(connections_page.badge_changes), name="bots-changes"
    ),
    path("admin/login/", include("core.access.sign_in_urls")),
    path("admin/security/", include("core.access.security_urls")),
    path("admin/login/feishu/", operator_sign_in.start, name="feishu-sign-in"),
    path(
        "admin/security/feishu/",
        admin.site.admin_view(for_every_role(operator_sign_in.link)),
        name="security-feishu",
    ),
    path(
        "admin/security/feishu/unlink/",
        admin.site.admin_view(for_every_role(operator_sign_in.unlink_own)),
        name="security-feishu-unlink",
    ),
    path(
        "admin/security/operators/<int:user_id>/feishu/",
        admin.site.admin_view(operator_sign_in.link_operator),
        name="operator-security-feishu",
    ),
    path(
        "admin/security/operators/<int:user_id>/feishu/unlink/",
        admin.site.admin_view(operator_sign_in.unlink_operator),
        name="operator-security-feishu-unlink",
    ),
    path("admin/setup/", setup.first_operator, name="setup"),
    path("admin/problems/silence/", admin.site.admin_view(silencing.silence), name="problems-silence"),
    path("admin/problems/unsilence/", admin.site.admin_view(silencing.unsilence), name="problems-unsilence"),
    path("admin/agents/connect/", admin.site.admin_view(connect_agent.page), name="connect-agent"),
    path("admin/", admin.site.urls),
    path("i18n/", include("django.conf.urls.i18n")),
    path(".well-known/oauth-protected-resource", metadata.protected_resource, name="agent-resource"),
    path(".well-known/oauth-protected-resource/mcp", metadata.protected_resource, name="agent-resource-mcp"),
    path(".well-known/oauth-authorization-server", metadata.authorization_server, name="agent-server"),
    path("oauth/my/approvals/<uuid:approval_id>/end/", own_section.end_approval, name="end-approval"),
    path("oauth/approvals/<uuid:approval_id>/", whole_call.whole_call, name="approval"),
    path("oauth/approvals/<uuid:approval_id>/answer/", whole_call.answer_call, name="approval-answer"),
    path("oauth/approvals/<uuid:approval_id>/body/", whole_call.body_of_call, name="approval-body"),
    path("oauth/", include("auth_sessions.urls")),
    path("api/v1/", api.urls),
    path("api/feishu/", connections.api.urls),
    re_path(f"^{ROOTS}", unknown_path),
]
