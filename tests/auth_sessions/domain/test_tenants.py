import pytest

from auth_sessions.domain.tenants import in_tenant
from auth_sessions.models import UserToken
from tests.factories import make_bot, make_grant


@pytest.mark.parametrize(
    ("tenant_key", "found"), [("", ["", "one", "two"]), ("one", ["", "one"]), ("three", [""])]
)
def test_rows_of_another_tenant_are_left_out(db, tenant_key, found):
    bot = make_bot()
    for known in ("", "one", "two"):
        make_grant(bot, tenant_key=known)
    rows = in_tenant(UserToken.objects.filter(bot=bot), tenant_key)
    assert sorted(row.tenant_key for row in rows) == found
