import pytest

from auth_sessions.domain.tokens.uses import record_calls, record_hand_out, record_outcomes
from auth_sessions.enums import UseKind
from auth_sessions.models import TokenUse
from tests.factories import make_bot, make_client, make_grant

pytestmark = pytest.mark.django_db


@pytest.fixture
def grant():
    return make_grant(make_bot())


def call(grant, **values) -> TokenUse:
    return TokenUse(
        bot=grant.bot,
        caller="CRM",
        kind=UseKind.CALL,
        tenant_key=grant.tenant_key,
        open_id=grant.open_id,
        method="GET",
        path="/open-apis/task/v2/tasks",
        **values,
    )


def test_hand_out_says_who_was_given_whose_token(grant):
    client = make_client("CRM")
    record_hand_out(grant, client=client)
    use = TokenUse.objects.of(grant).get()
    assert (use.caller, use.kind, use.open_id, use.generation) == ("CRM", "issued", "ou_asked", 1)
    assert use.client_id == client.pk
    client.delete()
    assert TokenUse.objects.of(grant).get().caller == "CRM"


def test_ending_is_added_to_the_call(grant):
    made = call(grant)
    record_calls([made])
    made.status, made.seconds = 200, 0.5
    record_outcomes([made])
    assert TokenUse.objects.values_list("status", "seconds").get() == (200, 0.5)


def test_uses_of_a_person_are_nobody_elses_and_newest_first(grant):
    older, newer = call(grant), call(grant)
    record_calls([older, newer])
    record_calls([call(make_grant(make_bot())), call(make_grant(grant.bot, tenant_key="other"))])
    assert list(TokenUse.objects.of(grant)) == [newer, older]
