from uuid import uuid4

import pytest
import respx
from django.test import Client
from django.urls import reverse

from auth_sessions.enums import SessionState
from auth_sessions.models import AuthSession, UserToken
from bots.models import Bot
from core.access.models import AuditEntry
from tests.console.rows import Rows, list_of, make_session, messages_of, page_of, text_of

ASK = "/admin/auth_sessions/authsession/ask/"


def asked(rows: Rows, **values: str) -> dict[str, str]:
    return {
        "bot": str(rows.bot.pk),
        "open_ids": "ou_one\nou_two\nou_one",
        "scopes": "",
        "once": str(uuid4()),
    } | values


def sessions_of(open_id: str) -> list[AuthSession]:
    return list(AuthSession.objects.filter(open_id=open_id))


def test_card_button_of_a_bot_leads_to_the_form_with_the_bot_chosen(rows: Rows, as_owner: Client) -> None:
    answer = as_owner.get(page_of("bots_bot", rows.bot, "send_card"), follow=True)
    assert answer.redirect_chain == [(f"{ASK}?bot={rows.bot.pk}", 302)]
    assert answer.context["form"]["bot"].value() == str(rows.bot.pk)


def test_card_button_of_a_token_fills_the_person_in(rows: Rows, as_owner: Client) -> None:
    answer = as_owner.get(page_of("auth_sessions_usertoken", rows.token, "send_card"), follow=True)
    assert answer.context["form"]["open_ids"].value() == rows.token.open_id


def test_asking_again_fills_person_and_scopes_in(rows: Rows, as_owner: Client) -> None:
    answer = as_owner.get(
        page_of("auth_sessions_authsession", rows.session, "request_reauthorization"), follow=True
    )
    form = answer.context["form"]
    assert (form["open_ids"].value(), form["scopes"].value()) == (rows.session.open_id, "offline_access")


def test_list_has_a_button_that_leads_to_the_form(as_owner: Client) -> None:
    assert as_owner.get(reverse("admin:auth_sessions_authsession_ask_people"))["Location"] == ASK


def test_each_person_is_asked_once(rows: Rows, as_owner: Client) -> None:
    answer = as_owner.post(ASK, asked(rows), follow=True)
    assert messages_of(answer) == ["The cards are on their way to 2 people."]
    for open_id in ("ou_one", "ou_two"):
        (session,) = sessions_of(open_id)
        assert (session.requested_by, session.scopes) == ("operator:owner", rows.bot.auth_scopes)
    assert AuditEntry.objects.filter(action="auth_session.created", actor="operator:owner").count() == 2


def test_sending_the_same_form_twice_asks_once(rows: Rows, as_owner: Client) -> None:
    form = asked(rows, open_ids="ou_one")
    as_owner.post(ASK, form)
    as_owner.post(ASK, form)
    assert len(sessions_of("ou_one")) == 1


def test_scopes_of_the_form_take_the_place_of_the_bots(rows: Rows, as_owner: Client) -> None:
    as_owner.post(ASK, asked(rows, open_ids="ou_one", scopes="offline_access\ncalendar:calendar"))
    assert sessions_of("ou_one")[0].scopes == ["offline_access", "calendar:calendar"]


@pytest.mark.parametrize("open_ids", ["", "ou one", "x" * 129, "\n".join(f"ou_{n}" for n in range(51))])
def test_people_who_cannot_be_asked_are_refused_at_the_field(
    open_ids: str, rows: Rows, as_owner: Client
) -> None:
    answer = as_owner.post(ASK, asked(rows, open_ids=open_ids))
    assert answer.context["form"].errors["open_ids"]


def test_people_are_named_by_any_of_their_ids(rows: Rows, as_owner: Client) -> None:
    who = {"union_id": "on_1", "user_id": "u1001", "email": "lilei@x.test"}
    UserToken.objects.filter(pk=rows.token.pk).update(**who)
    as_owner.post(ASK, asked(rows, open_ids="on_1\nLilei@x.test\nu1001"))
    asked_by_owner = AuthSession.objects.filter(requested_by="operator:owner")
    assert [session.open_id for session in asked_by_owner] == [rows.token.open_id]


@pytest.mark.parametrize(
    ("found", "words"),
    [
        ({"code": 0, "data": {"user_list": []}}, "knows nobody as “nobody@x.test”"),
        (
            {"code": 99991672, "msg": "no scope"},
            "“nobody@x.test” cannot be looked up. The app lacks a scope. ",
        ),
    ],
)
def test_who_cannot_be_looked_up_is_refused_at_the_field(found, words, rows: Rows, as_owner: Client) -> None:
    with respx.mock as router:
        token = {"code": 0, "tenant_access_token": "t-1", "expire": 7200}
        router.post(path="/open-apis/auth/v3/tenant_access_token/internal").respond(json=token)
        router.post(path="/open-apis/contact/v3/users/batch_get_id").respond(json=found)
        answer = as_owner.post(ASK, asked(rows, open_ids="ou_one\nnobody@x.test"))
    [error] = answer.context["form"].errors["open_ids"]
    assert words in error
    assert not sessions_of("ou_one")


def test_missing_public_url_is_a_message_and_keeps_the_form(rows: Rows, as_owner: Client, settings) -> None:
    settings.PUBLIC_URL = ""
    answer = as_owner.post(ASK, asked(rows, via="browser"))
    assert messages_of(answer)[0].startswith("PUBLIC_URL is not set")
    assert answer.context["form"]["open_ids"].value() == "ou_one\nou_two\nou_one"


def test_disabled_bot_cannot_be_chosen(rows: Rows, as_owner: Client) -> None:
    Bot.objects.filter(pk=rows.bot.pk).update(enabled=False)
    assert as_owner.post(ASK, asked(rows)).context["form"].errors["bot"]


def test_cancelling_asks_first_and_ends_the_session(rows: Rows, as_owner: Client) -> None:
    session = make_session(rows.bot, SessionState.SENT)
    address = page_of("auth_sessions_authsession", session, "cancel")
    assert 'data-testid="ask"' in text_of(as_owner.get(address))
    assert AuthSession.objects.get(pk=session.pk).state == SessionState.SENT
    assert messages_of(as_owner.post(address, follow=True)) == ["The request was cancelled."]
    assert AuthSession.objects.get(pk=session.pk).state == SessionState.CANCELLED


def test_cancelling_what_has_ended_says_so(rows: Rows, as_owner: Client) -> None:
    answer = as_owner.post(page_of("auth_sessions_authsession", rows.session, "cancel"), follow=True)
    assert messages_of(answer) == ["The session had already ended."]
    assert AuthSession.objects.get(pk=rows.session.pk).state == SessionState.FAILED


def test_updating_the_card_notifies_the_workers(
    rows: Rows, as_owner: Client, hinted, django_capture_on_commit_callbacks
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        as_owner.post(page_of("auth_sessions_authsession", rows.session, "update_card"))
    assert hinted == [str(rows.session.pk)]


def test_workers_are_not_notified_of_a_card_given_up(rows: Rows, as_owner: Client, hinted) -> None:
    AuthSession.objects.filter(pk=rows.session.pk).update(card_given_up=True)
    answer = as_owner.post(page_of("auth_sessions_authsession", rows.session, "update_card"), follow=True)
    assert (hinted, len(messages_of(answer))) == ([], 1)


def test_failed_session_shows_cause_cure_and_log_id(rows: Rows, as_owner: Client) -> None:
    html = text_of(as_owner.get(page_of("auth_sessions_authsession", rows.session)))
    assert "A requested scope is not enabled for the app" in html
    assert "log-of-session" in html


def test_reason_of_a_failure_and_purpose_of_the_request_are_both_shown(rows: Rows, as_owner: Client) -> None:
    AuthSession.objects.update(why="Read your tasks")
    page = text_of(as_owner.get(page_of("auth_sessions_authsession", rows.session)))
    assert "The platform refused" in page
    assert "Read your tasks" in page
    listed = text_of(as_owner.get(list_of("auth_sessions_authsession")))
    assert "The platform refused</td>" in listed


def test_token_page_says_what_is_stored_without_showing_it(rows: Rows, as_owner: Client) -> None:
    html = text_of(as_owner.get(page_of("auth_sessions_usertoken", rows.token)))
    assert "Access token and refresh token" in html


def fields_of(client: Client, session: AuthSession) -> set[str]:
    page = client.get(page_of("auth_sessions_authsession", session))
    return {name for _title, section in page.context["adminform"].fieldsets for name in section["fields"]}


def test_page_leaves_out_what_says_nothing_of_the_session(rows: Rows, as_owner: Client) -> None:
    silent = {
        "failure",
        "problem",
        "purpose",
        "code_until",
        "code_error",
        "return_url_shown",
        "opened",
        "card_error",
    }
    shown = fields_of(as_owner, make_session(rows.bot, SessionState.SENT))
    assert not shown & {*silent, "finished"}
    assert {"person_in_full", "state_label", "expires_in_full"} <= shown
    ended = fields_of(as_owner, rows.session)
    assert {"failure", "problem"} <= ended
    assert "expires_in_full" not in ended


def test_purpose_stands_with_the_session(rows: Rows, as_owner: Client) -> None:
    as_owner.post(ASK, asked(rows, open_ids="ou_one", why="Sync your tasks"))
    assert sessions_of("ou_one")[0].why == "Sync your tasks"
