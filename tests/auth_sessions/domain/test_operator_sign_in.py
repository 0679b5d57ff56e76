"""Operators sign in with the Feishu account that they linked, and with no other; an answer works once, in the browser that asked."""

from urllib.parse import parse_qs, urlsplit

import pytest
from django.test import Client
from django.utils import timezone

from auth_sessions.domain import operator_sign_in, person_sign_in
from auth_sessions.models import OperatorAccount, OperatorSignIn
from bots.models import Bot, Person
from core.access.models import AuditEntry, OperatorSession, User
from core.access.second_factors import totp
from feishu.errors import OAuthError
from feishu.oauth import TokenSet, UserInfo
from tests.factories import make_bot, make_operator, move_bot

pytestmark = pytest.mark.django_db
START, LINK, UNLINK = "/admin/login/feishu/", "/admin/security/feishu/", "/admin/security/feishu/unlink/"


@pytest.fixture
def bot(settings) -> Bot:
    made = make_bot(name="Front desk")
    settings.PUBLIC_URL, settings.SIGN_IN_BOT = "http://testserver", made.app_id
    settings.ALLOWED_HOSTS = ["testserver"]
    return made


@pytest.fixture
def operator() -> User:
    return make_operator()


class Platform:
    """Answers in the place of the token endpoint; ``person`` is who allows it."""

    def __init__(self) -> None:
        self.person = "ou_lin"
        self.refuses = False

    def exchange_code(self, **values: str) -> TokenSet:
        assert values["code"] == "the-code"
        assert values["verifier"]
        if self.refuses:
            raise OAuthError("invalid_grant", code=20003)
        return TokenSet("u-token-of-a-moment", 7200, None, None, ())

    def user_info(self, _token: str) -> UserInfo:
        return UserInfo(self.person, "on_x", None, "tenant", "Lin", "Lin", "", "boss@example.com")


@pytest.fixture
def platform(monkeypatch) -> Platform:
    made = Platform()
    monkeypatch.setattr(person_sign_in, "OAuth", lambda _credentials: made)
    return made


def signed_in(user: User) -> Client:
    browser = Client(headers={"Accept-Language": "en"})
    browser.force_login(user)
    return browser


def sent_to_platform(browser: Client, address: str = START, **values: str) -> dict[str, str]:
    """The query with which the browser is sent to the platform."""
    answer = browser.post(address, values)
    assert answer.status_code == 302
    return {name: value for name, [value] in parse_qs(urlsplit(answer.headers["Location"]).query).items()}


def back(browser: Client, bot: Bot, state: str, **values: str):
    query = {"code": "the-code", "state": state} | values
    return browser.get(f"/oauth/callback/{bot.app_id}/", query)


def linked(user: User, bot: Bot) -> Client:
    browser = signed_in(user)
    assert (
        back(browser, bot, sent_to_platform(browser, LINK)["state"]).headers["Location"] == "/admin/security/"
    )
    return browser


def is_signed_in(browser: Client) -> bool:
    return browser.get("/admin/").status_code == 200


def test_linked_account_signs_in(operator, bot, platform):
    linked(operator, bot)
    browser = Client()
    query = sent_to_platform(browser, next="/admin/bots/bot/")
    assert (query["client_id"], query["code_challenge_method"]) == (bot.app_id, "S256")
    assert query["redirect_uri"] == f"http://testserver/oauth/callback/{bot.app_id}/"
    assert "scope" not in query
    assert back(browser, bot, query["state"]).headers["Location"] == "/admin/bots/bot/"
    assert is_signed_in(browser)
    assert OperatorSession.objects.filter(user=operator, method="feishu").exists()
    assert AuditEntry.objects.filter(action="operator.account_linked", target=operator.username).exists()


def test_stranger_is_refused_whatever_their_name_or_e_mail_says(bot, platform):
    boss = make_operator("boss@example.com", superuser=True)
    User.objects.filter(pk=boss.pk).update(email="boss@example.com", feishu_address="boss@example.com")
    browser = Client()
    answer = back(browser, bot, sent_to_platform(browser)["state"])
    assert answer.status_code == 403
    assert not is_signed_in(browser)
    assert User.objects.count() == 1
    assert AuditEntry.objects.get(action="operator.sign_in_refused").detail == {"reason": "unknown_account"}


def test_second_factor_is_still_asked_for(operator, bot, platform):
    linked(operator, bot)
    device = totp.begin(operator)
    device.confirmed_at = timezone.now()
    device.save()
    browser = Client()
    assert (
        back(browser, bot, sent_to_platform(browser)["state"]).headers["Location"]
        == "/admin/login/second-step/"
    )
    assert not is_signed_in(browser)


def test_answer_works_once(operator, bot, platform):
    linked(operator, bot)
    browser = Client()
    state = sent_to_platform(browser)["state"]
    assert back(browser, bot, state).status_code == 302
    browser.post("/admin/logout/")
    assert back(browser, bot, state).status_code == 400
    assert not is_signed_in(browser)


def test_answer_of_another_browser_signs_nobody_in(operator, bot, platform):
    """Else somebody could sign others in as themselves, or link their own account to that of others."""
    linked(operator, bot)
    attacker, victim = Client(), signed_in(make_operator("victim"))
    platform.person = "ou_attacker"
    assert back(victim, bot, sent_to_platform(attacker)["state"]).status_code == 400
    own = signed_in(make_operator("attacker"))
    assert back(victim, bot, sent_to_platform(own, LINK)["state"]).status_code == 400
    assert OperatorAccount.objects.count() == 1


def test_strangers_who_begin_pile_up_nothing(operator, bot, platform, monkeypatch):
    monkeypatch.setattr(operator_sign_in, "MAX_STRANGERS", 2)
    linked(operator, bot)
    sent_to_platform(signed_in(operator), LINK)
    browsers = [Client() for _ in range(3)]
    states = [sent_to_platform(browser)["state"] for browser in browsers]
    assert OperatorSignIn.objects.filter(user=None).count() == 2
    assert OperatorSignIn.objects.filter(user=operator).count() == 1
    for browser, state in zip(browsers, states, strict=True):
        back(browser, bot, state)
    assert [is_signed_in(browser) for browser in browsers] == [False, True, True]


def test_answer_ends_after_minutes_and_is_of_its_bot(operator, bot, platform):
    linked(operator, bot)
    browser = Client()
    state = sent_to_platform(browser)["state"]
    assert back(browser, make_bot(), state).status_code == 400
    OperatorSignIn.objects.update(expires_at=timezone.now())
    assert back(browser, bot, state).status_code == 400


@pytest.mark.parametrize("page", ["https://evil.example/", "//evil.example/"])
def test_other_hosts_are_not_where_signing_in_leads(operator, bot, platform, page):
    linked(operator, bot)
    browser = Client()
    assert back(browser, bot, sent_to_platform(browser, next=page)["state"]).headers["Location"] == "/admin/"


@pytest.mark.parametrize(
    ("values", "status"),
    [({"error": "access_denied", "code": ""}, 200), ({"error": "x", "code": ""}, 502), ({"code": ""}, 502)],
)
def test_refusals_have_their_page(bot, platform, values, status):
    browser = Client()
    assert back(browser, bot, sent_to_platform(browser)["state"], **values).status_code == status


def test_platform_that_refuses_the_code_signs_nobody_in(operator, bot, platform):
    linked(operator, bot)
    platform.refuses = True
    browser = Client()
    assert back(browser, bot, sent_to_platform(browser)["state"]).status_code == 502


def test_account_signs_in_as_one_operator(operator, bot, platform):
    linked(operator, bot)
    other = signed_in(make_operator())
    assert back(other, bot, sent_to_platform(other, LINK)["state"]).status_code == 409
    assert OperatorAccount.objects.get().user == operator


def test_link_counts_for_the_platform_on_which_it_was_made(operator, bot, platform):
    linked(operator, bot)
    move_bot(bot, open_url="http://evil.test", accounts_url="http://evil.test")
    browser = Client()
    assert back(browser, bot, sent_to_platform(browser)["state"]).status_code == 403


@pytest.mark.parametrize("right", ["is_active", "role"])
def test_operator_without_access_is_refused(operator, bot, platform, right):
    linked(operator, bot)
    setattr(operator, right, False if right == "is_active" else "")
    operator.save()
    browser = Client()
    assert back(browser, bot, sent_to_platform(browser)["state"]).status_code == 403


def test_link_takes_a_fresh_sign_in(operator, bot, platform):
    browser = signed_in(operator)
    session = browser.session
    session["_confirmed"] = 0
    session.save()
    assert browser.post(LINK).headers["Location"].startswith("/admin/security/confirm/")


def test_unlinked_account_signs_nobody_in(operator, bot, platform):
    assert linked(operator, bot).post(UNLINK).status_code == 302
    assert not OperatorAccount.objects.exists()
    browser = Client()
    assert back(browser, bot, sent_to_platform(browser)["state"]).status_code == 403


def test_administrators_unlink_others_and_operators_do_not(operator, bot, platform):
    linked(operator, bot)
    address = f"/admin/security/operators/{operator.pk}/feishu/unlink/"
    assert signed_in(make_operator()).post(address).status_code == 404
    assert signed_in(make_operator(superuser=True)).post(address).status_code == 302
    assert not OperatorAccount.objects.exists()


def test_pages_offer_it_where_it_is_set_up_and_can_work(bot, operator, settings):
    assert "Sign in with Feishu" in Client(headers={"Accept-Language": "en"}).get("/admin/login/").text
    assert "http://platform.test" in Client().get("/admin/login/").headers["Content-Security-Policy"]
    assert "Link my Feishu account" in signed_in(operator).get("/admin/security/").text
    for name, value in (("PUBLIC_URL", "http://other.test"), ("SIGN_IN_BOT", "")):
        setattr(settings, name, value)
        assert 'data-testid="feishu"' not in Client().get("/admin/login/").text
    assert Client().post(START).status_code == 404


# --- an administrator links an account for somebody else


def page_for(operator: User) -> str:
    return f"/admin/security/operators/{operator.pk}/feishu/"


@pytest.fixture
def as_administrator() -> Client:
    return signed_in(make_operator(superuser=True))


def test_administrator_links_the_account_of_another_operator(operator, bot, platform, as_administrator):
    Person.objects.create(bot=bot, open_id="ou_lin", name="Lin")
    assert "Link a Feishu account" in as_administrator.get(page_for(operator)).text
    answer = as_administrator.post(page_for(operator), {"open_id": "ou_lin"})
    assert answer.headers["Location"] == f"/admin/security/operators/{operator.pk}/"
    account = OperatorAccount.objects.get()
    assert (account.user, str(account), account.tenant_key) == (operator, "Lin", "")
    entry = AuditEntry.objects.get(action="operator.account_linked")
    assert (entry.target, entry.detail) == (operator.username, {"open_id": "ou_lin"})
    browser = Client()
    assert back(browser, bot, sent_to_platform(browser)["state"]).status_code == 302
    assert is_signed_in(browser)
    account.refresh_from_db()
    assert account.tenant_key == "tenant", "of whom it is, from now on"


@pytest.mark.parametrize("typed", ["", "lin@example.com", "ou_one\nou_two"])
def test_account_is_named_by_one_open_id(typed, operator, bot, as_administrator):
    assert as_administrator.post(page_for(operator), {"open_id": typed}).context["form"].errors["open_id"]
    assert not OperatorAccount.objects.exists()


def test_account_of_one_operator_is_not_given_to_another(operator, bot, platform, as_administrator):
    linked(make_operator(), bot)
    answer = as_administrator.post(page_for(operator), {"open_id": "ou_lin"})
    assert "belongs to another operator" in str(answer.context["form"].errors["open_id"])
    assert OperatorAccount.objects.exclude(user=operator).count() == 1


def test_account_that_an_administrator_gave_away_is_taken(operator, bot, platform, as_administrator):
    as_administrator.post(page_for(operator), {"open_id": "ou_lin"})
    other = signed_in(make_operator())
    assert back(other, bot, sent_to_platform(other, LINK)["state"]).status_code == 409


def test_linking_others_is_for_administrators_and_needs_a_bot(operator, bot, as_administrator, settings):
    other = signed_in(make_operator())
    assert other.post(page_for(operator), {"open_id": "ou_lin"}).status_code == 404
    settings.SIGN_IN_BOT = ""
    assert as_administrator.get(page_for(operator)).status_code == 404
    assert not OperatorAccount.objects.exists()
