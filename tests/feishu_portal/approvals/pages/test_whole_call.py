"""The person reads the whole call on a page, and answers there; nobody else sees any of it."""

import json
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from auth_sessions.domain import person_sign_in
from auth_sessions.domain.page_sign_in import VISIT_TIME
from core.access.models import AuditEntry
from core.vault.fields import Sealed
from feishu_portal.approvals.cards import approval_card
from feishu_portal.approvals.models import CallApproval
from feishu_portal.approvals.pages.whole_call import MAX_SHOWN, visible
from tests.auth_sessions.agents import Platform, query_of
from tests.auth_sessions.domain.test_self_service import BY_HAND
from tests.factories import PLATFORM
from tests.feishu_portal.approvals.calls import ask_about

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def platform(monkeypatch) -> Platform:
    """Who signs in is ``ou_asked``, unless a test says another."""
    made = Platform()
    monkeypatch.setattr(person_sign_in, "OAuth", lambda _credentials: made)
    return made


def page(approval: CallApproval, what: str = "") -> str:
    return f"/oauth/approvals/{approval.pk}/{what}"


def signed_in(approval: CallApproval, **options) -> Client:
    """A browser in which somebody went from the card to the platform and back."""
    browser = Client(headers=BY_HAND, **options)
    sent = browser.get(page(approval))
    assert sent.status_code == 302, sent.text
    state = query_of(sent.headers["Location"])["state"]
    back = browser.get(f"/oauth/callback/{approval.bot.app_id}/", {"code": "the-code", "state": state})
    assert back.headers["Location"] == page(approval)
    return browser


def answer(browser: Client, approval: CallApproval, said: str) -> str:
    """What the page says afterwards."""
    response = browser.post(page(approval, "answer/"), {"answer": said}, follow=True, REMOTE_ADDR="192.0.2.7")
    approval.refresh_from_db()
    return response.text


def test_whole_call_is_read_and_approved_once(bot, notified, django_assert_max_num_queries) -> None:
    long = "周报" * 2_000
    approval = ask_about(bot, {"summary": long, "content": json.dumps({"text": "a\nb"})}, query="kind=open")
    browser = signed_in(approval)
    with django_assert_max_num_queries(6):
        shown = browser.get(page(approval))
    for words in (
        long,
        "a\nb",
        "content.text",
        "kind",
        "POST /open-apis/task/v2/tasks?kind=open",
        "assistant",
    ):
        assert words in shown.text, words
    assert approval.body_hash in shown.text
    assert "no-store" in shown["Cache-Control"]
    policy = shown["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in policy
    assert f"form-action 'self' {PLATFORM}" in policy, "the way to sign in again"
    after = answer(browser, approval, "once")
    assert 'data-state="approved"' in after
    assert long not in after
    entry = AuditEntry.objects.get(action="approval.approved")
    assert (entry.actor, entry.address) == ("user:ou_asked", "192.0.2.7")
    for again in ("once", "hour", "deny"):
        answer(browser, approval, again)
    assert (approval.state, approval.approved) == ("approved", "once")
    assert AuditEntry.objects.filter(action__startswith="approval.approved").count() == 1


def test_call_is_denied(approval) -> None:
    assert "Nothing has happened" in answer(signed_in(approval), approval, "deny")
    assert (approval.state, approval.call) == ("denied", "")


def test_hour_says_what_it_covers_and_is_ended(approval) -> None:
    browser = signed_in(approval)
    assert (
        "whatever else they say: POST /open-apis/task/v2/tasks; id=ou_lin" in browser.get(page(approval)).text
    )
    assert 'data-testid="end"' in answer(browser, approval, "hour")
    assert (approval.state, approval.approved, approval.is_standing) == ("approved", "hour", True)
    assert 'data-testid="end"' not in answer(browser, approval, "end")
    assert not approval.is_standing


def test_call_of_which_an_hour_cannot_be_said_is_approved_once_only(bot) -> None:
    approval = ask_about(bot, b"\xff\x00<b>name=x", content_type="text/plain")
    browser = signed_in(approval)
    shown = browser.get(page(approval)).text
    assert "⟨U+0000⟩&lt;b&gt;name=x" in shown
    assert 'data-testid="hour"' not in shown
    body = browser.get(page(approval, "body/"))
    assert body.content == b"\xff\x00<b>name=x"
    assert body["Content-Disposition"].startswith("attachment")
    assert (body["Content-Type"], body["X-Content-Type-Options"]) == ("application/octet-stream", "nosniff")
    answer(browser, approval, "hour")
    assert approval.state == "asked"


@pytest.mark.parametrize("said", ["", "yes", "Once", "approve"])
def test_other_answers_are_none(approval, said) -> None:
    assert 'data-testid="once"' in answer(signed_in(approval), approval, said)
    assert approval.state == "asked"


def test_somebody_else_sees_and_answers_nothing(approval, platform) -> None:
    platform.person = "ou_stranger"
    stranger = signed_in(approval)
    shown = stranger.get(page(approval))
    assert shown.status_code == 403
    assert "signed in as somebody else" in shown.text
    answer(stranger, approval, "once")
    assert stranger.get(page(approval, "body/")).status_code == 302
    assert approval.state == "asked"
    for text in ("写周报", "ou_lin", "/open-apis/", "assistant"):
        assert text not in shown.text, text
    # The way on: they sign in as the right person.
    platform.person = "ou_asked"
    state = query_of(stranger.post(page(approval)).headers["Location"])["state"]
    stranger.get(f"/oauth/callback/{approval.bot.app_id}/", {"code": "the-code", "state": state})
    assert "写周报" in stranger.get(page(approval)).text


def test_person_of_the_same_name_in_another_tenant_is_somebody_else(bot) -> None:
    approval = ask_about(bot, tenant_key="other tenant")
    assert signed_in(approval).get(page(approval)).status_code == 403


def test_who_is_not_signed_in_is_shown_the_way_to_the_platform_alone(approval) -> None:
    program = Client()
    shown = program.get(page(approval))
    assert (shown.status_code, 'data-testid="continue-page"' in shown.text) == (200, True)
    assert "写周报" not in shown.text
    assert approval.bot.name not in shown.text
    assert program.post(page(approval)).headers["Location"].startswith("http")
    for said in ("once", "deny", "end"):
        assert program.post(page(approval, "answer/"), {"answer": said}).headers["Location"] == page(approval)
    assert program.get(page(approval, "body/")).headers["Location"] == page(approval)
    approval.refresh_from_db()
    assert approval.state == "asked"


def test_state_leads_nobody_in_in_another_browser(approval) -> None:
    mine, theirs = Client(headers=BY_HAND), Client(headers=BY_HAND)
    state = query_of(mine.get(page(approval)).headers["Location"])["state"]
    theirs.get(page(approval))
    back = f"/oauth/callback/{approval.bot.app_id}/"
    refused = theirs.get(back, {"code": "the-code", "state": state})
    assert (refused.status_code, "no longer open" in refused.text) == (400, True)
    assert mine.get(back, {"code": "the-code", "state": state}).status_code == 302
    assert mine.get(back, {"code": "the-code", "state": state}).status_code == 400, "once"


def test_form_of_another_site_answers_nothing(approval) -> None:
    browser = signed_in(approval)
    forged = Client(enforce_csrf_checks=True)
    forged.cookies = browser.cookies
    assert forged.post(page(approval, "answer/"), {"answer": "once"}).status_code == 403
    approval.refresh_from_db()
    assert approval.state == "asked"


def test_visit_is_over_after_a_while(approval, time_machine, settings) -> None:
    CallApproval.objects.update(expires_at=timezone.now() + timedelta(days=1))
    browser = signed_in(approval)
    time_machine.move_to(timezone.now() + VISIT_TIME + timedelta(seconds=1))
    assert browser.post(page(approval, "answer/"), {"answer": "once"}).headers["Location"] == page(approval)
    assert "写周报" not in browser.get(page(approval)).text
    approval.refresh_from_db()
    assert approval.state == "asked"


def test_expired_call_is_not_shown_and_not_approved(approval) -> None:
    browser = signed_in(approval)
    CallApproval.objects.update(expires_at=timezone.now())
    shown = answer(browser, approval, "once")
    assert "It was not answered in time" in shown
    assert "写周报" not in shown
    assert 'data-testid="once"' not in shown
    assert browser.get(page(approval, "body/")).status_code == 302
    assert approval.state == "asked"


def test_text_of_the_call_is_text_and_hides_nothing(bot) -> None:
    hostile = (
        '</dd></dl><form action="//evil.example"><script>x</script>\u202egpj\u200b\u2028\x1b[31m👩\u200d💻'
    )
    shown = (browser := signed_in(approval := ask_about(bot, {hostile: hostile}))).get(page(approval)).text
    assert browser
    assert "<script>" not in shown
    assert "evil.example&quot;&gt;" in shown
    assert "⟨U+202E⟩gpj⟨U+200B⟩⟨U+2028⟩⟨U+001B⟩[31m👩\u200d💻" in shown
    assert not {"\u202e", "\u200b", "\u2028", "\x1b"} & set(shown)


def test_lines_stay_and_what_hides_is_marked() -> None:
    assert visible("a\r\nb\tc\rd\u3164") == "a\nb\tc⟨U+000D⟩d⟨U+3164⟩"


def test_page_is_bounded_and_the_file_has_the_rest(bot) -> None:
    body = json.dumps({f"filler{number}": "'" * 5_000 for number in range(50)} | {"receive_id": "oc_board"})
    approval = ask_about(bot, body.encode())
    browser = signed_in(approval)
    shown = browser.get(page(approval))
    assert len(shown.content) < MAX_SHOWN + 20_000
    assert "oc_board" in shown.text
    assert 'data-testid="more"' in shown.text
    assert browser.get(page(approval, "body/")).content == body.encode()


def test_call_that_no_key_opens_is_said_to_be_unreadable(approval) -> None:
    browser = signed_in(approval)
    CallApproval.objects.update(call=Sealed("x"))
    assert browser.get(page(approval)).status_code == 503
    assert browser.get(page(approval, "body/")).status_code == 503


def test_disabled_bot_and_unknown_approval_have_no_page(approval) -> None:
    browser = signed_in(approval)
    assert browser.get("/oauth/approvals/00000000-0000-4000-8000-000000000000/").status_code == 404
    approval.bot.enabled = False
    approval.bot.save()
    assert browser.get(page(approval)).status_code == 404


def test_card_leads_to_the_page_where_browsers_reach_the_portal(approval, settings) -> None:
    address = f"http://portal.test{page(approval)}"
    assert address in json.dumps(approval_card(approval))
    settings.PUBLIC_URL = ""
    assert "oauth/approvals" not in json.dumps(approval_card(approval))
    assert Client(headers=BY_HAND).get(page(approval)).status_code == 503
