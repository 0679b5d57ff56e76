"""The ground floor: who may use the portal and what they did, and secrets at rest."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class AccessConfig(AppConfig):
    name = "feishu_portal.access"
    label = "access"
    verbose_name = _("Access")
