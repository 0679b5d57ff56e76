"""Authorizations: for whom the portal may act."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class AuthSessionsConfig(AppConfig):
    name = "auth_sessions"
    verbose_name = _("Authorizations")

    def ready(self) -> None:
        from auth_sessions import figures, metrics  # noqa: F401, PLC0415 -- every process can give them
        from auth_sessions.domain import (  # noqa: F401, PLC0415 -- models are loaded now
            bot_removal,
            incidents,
            lost_grants,
            new_destination,
            observations,
            overdue_refreshes,
        )
        from auth_sessions.domain.operator_sign_in import FeishuAccounts  # noqa: PLC0415 -- see above
        from auth_sessions.models import AuthSession, CampaignMember, ConnectedAgent, TokenUse, UserToken  # noqa: PLC0415 -- see above
        from bots.enums import ProcessRole  # noqa: PLC0415 -- see above
        from bots.people.references import keep_people_of  # noqa: PLC0415 -- see above
        from bots.processes.roles import count_as_needed  # noqa: PLC0415 -- see above
        from core.access.platform_sign_in import register  # noqa: PLC0415 -- see above
        from core.installation.state import count_as_stake  # noqa: PLC0415 -- see above

        register(FeishuAccounts())
        count_as_stake(UserToken.objects.refreshable().exists)
        count_as_needed(ProcessRole.REFRESH, UserToken.objects.refreshable().exists)
        keep_people_of(UserToken.objects.all)
        keep_people_of(AuthSession.objects.all)
        keep_people_of(TokenUse.objects.all)
        keep_people_of(ConnectedAgent.objects.all)
        keep_people_of(CampaignMember.objects.all, open_id="target")
