"""What an owner's list costs where somebody else's bot has nearly all of the rows."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.utils import timezone

from auth_sessions.models import AuthSession, TokenUse, UserToken
from bots.models import Bot
from tests.console.reading import rows_read
from tests.console.rows import signed_in
from tests.factories import make_bot, make_operator

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.only_on("postgres"),
]
BUSY, QUIET = 3_000, 3


def rows_of(model: type[Any], bot: Bot, count: int) -> Iterator[Any]:
    now = timezone.now()
    for number in range(count):
        at, open_id = now - timedelta(seconds=number), f"ou_{number}"
        if model is TokenUse:
            yield TokenUse(bot=bot, caller="crm", kind="call", open_id=open_id, at=at)
        elif model is AuthSession:
            yield AuthSession(bot=bot, open_id=open_id, start_hash=uuid4().hex, created_at=at, expires_at=now)
        else:
            yield UserToken(
                bot=bot, open_id=open_id, authorized_at=at, access_expires_at=now, reauthorize_by=now
            )


@pytest.mark.parametrize("model", [TokenUse, AuthSession, UserToken])
def test_owner_of_a_quiet_bot_does_not_wait_for_a_busy_one(model):
    owner, quiet, busy = make_operator(), make_bot(), make_bot()
    quiet.owners.add(owner)
    # The busy bot's rows are the newest, so that walking back in time meets all of them first.
    model.objects.bulk_create([*rows_of(model, quiet, QUIET), *rows_of(model, busy, BUSY)])
    read, page = rows_read(signed_in(owner), f"/admin/auth_sessions/{model._meta.model_name}/", model)
    assert page.context["cl"].result_count == QUIET
    assert QUIET <= read < 20 * QUIET
