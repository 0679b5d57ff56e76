from datetime import timedelta

import pytest
from django.utils import timezone

from auth_sessions.enums import UseKind
from auth_sessions.models import AuthSession, TokenUse
from bots.enums import SendingKind
from bots.models import Person, Sending
from bots.people.references import forgotten
from tests.factories import make_bot, make_grant

pytestmark = pytest.mark.django_db


def test_people_stay_while_something_refers_to_them():
    bot, other = make_bot(), make_bot()
    now = timezone.now()
    for open_id in ("ou_session", "ou_use", "ou_sending", "ou_elsewhere", "ou_nobody"):
        Person.objects.create(bot=bot, open_id=open_id, updated_at=now - timedelta(days=2))
    Person.objects.create(bot=bot, open_id="ou_young", updated_at=now)
    grant = make_grant(bot)
    Person.objects.create(bot=bot, open_id=grant.open_id, updated_at=now - timedelta(days=2))
    AuthSession.objects.create(bot=bot, open_id="ou_session", start_hash="1", expires_at=now)
    AuthSession.objects.create(bot=other, open_id="ou_elsewhere", start_hash="2", expires_at=now)
    TokenUse.objects.create(bot=bot, open_id="ou_use", kind=UseKind.CALL)
    Sending.objects.create(bot=bot, kind=SendingKind.MESSAGE, target="ou_sending", msg_type="text")
    left = forgotten(now - timedelta(days=1)).values_list("open_id", flat=True)
    assert sorted(left) == ["ou_elsewhere", "ou_nobody"]
