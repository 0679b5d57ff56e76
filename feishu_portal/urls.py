"""Every address of the portal."""

from django.contrib import admin
from django.urls import include, path, re_path
from django.views.generic import RedirectView

from core.access.pages import setup
from feishu_portal.api import api, connections
from feishu_portal.api.error_pages import ROOTS, unknown_path
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
    path("admin/setup/", setup.first_operator, name="setup"),
    path("admin/", admin.site.urls),
    path("i18n/", include("django.conf.urls.i18n")),
    path("oauth/", include("auth_sessions.urls")),
    path("api/v1/", api.urls),
    path("api/feishu/", connections.api.urls),
    re_path(f"^{ROOTS}", unknown_path),
]
