"""The pages people see: how a journey ended, what went wrong, and the way in."""

import re
from urllib.parse import urlencode

import pytest
from django.conf import settings as django_settings
from django.http import HttpResponse
from django.template.loader import render_to_string
from django.templatetags.static import static
from django.test import Client
from django.urls import reverse
from django.utils.translation import override

from auth_sessions.domain.completion import CompletionOutcome
from auth_sessions.pages.words import LINK_PAGES, OUTCOME_PAGES, Page, context
from core import __version__
from tests.console.rows import PAGES, Rows, list_of, page_of, text_of
from tests.factories import make_operator

LOGIN = "/admin/login/"
CHINESE, ENGLISH = {"accept-language": "zh-CN,zh;q=0.9"}, {"accept-language": "en-GB,en;q=0.9"}
EVERY_PAGE = [*OUTCOME_PAGES.values(), *LINK_PAGES.values()]


def outcome(page: Page, **extra: object) -> str:
    with override("en"):
        return render_to_string("auth_sessions/outcome.html", context(page, **extra))


def policy_of(response: HttpResponse) -> dict[str, str]:
    parts = response["Content-Security-Policy"].split("; ")
    return dict(part.partition(" ")[::2] for part in parts)


@pytest.mark.parametrize("page", EVERY_PAGE, ids=lambda page: str(page.title))
def test_outcome_shows_title_text_and_tone(page: Page) -> None:
    html = outcome(page)
    assert f'data-testid="outcome" data-tone="{page.tone}"' in html
    with override("en"):
        assert str(page.title).replace("'", "&#x27;") in html


def test_outcome_shows_code_explanation_and_log_id_when_there_are_any() -> None:
    html = outcome(
        OUTCOME_PAGES[CompletionOutcome.PLATFORM_ERROR],
        code=20027,
        explanation="Why. What to do.",
        log_id="2026LOG",
    )
    assert '<dd data-testid="code">20027</dd>' in html
    assert '<dd data-testid="log-id">2026LOG</dd>' in html
    assert "Why. What to do." in html
    assert "data-testid" not in outcome(OUTCOME_PAGES[CompletionOutcome.DENIED]).replace(
        'data-testid="outcome"', ""
    )


def test_continue_leads_back_when_authorized() -> None:
    html = outcome(
        OUTCOME_PAGES[CompletionOutcome.AUTHORIZED], return_url="https://crm.example.com/done?a=1&b=2"
    )
    assert '<a class="button" href="https://crm.example.com/done?a=1&amp;b=2"' in html


@pytest.mark.parametrize(
    "address", ["javascript:alert(1)", "data:text/html,x", "//evil.example", "", "ftp://a/b"]
)
def test_continue_leads_nowhere_but_to_the_web(address: str) -> None:
    assert "continue" not in outcome(OUTCOME_PAGES[CompletionOutcome.AUTHORIZED], return_url=address)


@pytest.mark.parametrize(
    "ending", [ending for ending in CompletionOutcome if ending != CompletionOutcome.AUTHORIZED]
)
def test_continue_is_for_the_authorized(ending: CompletionOutcome) -> None:
    assert "continue" not in outcome(OUTCOME_PAGES[ending], return_url="https://crm.example.com/")


@pytest.mark.parametrize(
    ("headers", "language", "title"),
    [(CHINESE, "zh-hans", "链接无效"), (ENGLISH, "en", "This link is not valid")],
)
def test_outcome_speaks_the_browsers_language(
    headers: dict[str, str], language: str, title: str, db: None
) -> None:
    answer = Client(headers=headers).get("/oauth/callback/cli_none/?state=x&code=y")
    assert answer.status_code == 400
    assert f'<html lang="{language}">' in text_of(answer)
    assert title in text_of(answer)


def test_outcome_needs_no_script_and_passes_no_referrer_on(db: None) -> None:
    answer = Client(headers=ENGLISH).get("/oauth/callback/cli_none/?state=x&code=y")
    assert "<script" not in text_of(answer)
    assert " style=" not in text_of(answer)
    assert answer["Referrer-Policy"] == "no-referrer"
    policy = policy_of(answer)
    assert "unsafe" not in "".join(policy.values())
    assert policy["frame-ancestors"] == "'none'"


def test_only_the_console_may_evaluate_scripts(db: None) -> None:
    assert "'unsafe-eval'" in policy_of(Client().get(LOGIN))["script-src"]
    assert "'unsafe-inline'" not in policy_of(Client().get(LOGIN))["script-src"]
    assert "'unsafe-eval'" not in policy_of(Client().get("/no/such/page"))["script-src"]


def test_missing_page_has_the_portals_look(db: None) -> None:
    answer = Client(headers=CHINESE).get("/no/such/page")
    assert answer.status_code == 404
    assert 'data-testid="problem"' in text_of(answer)
    assert "页面不存在" in text_of(answer)


@pytest.mark.parametrize("template", ["400.html", "403.html", "403_csrf.html", "404.html", "500.html"])
@pytest.mark.parametrize("language", ["zh-hans", "en"])
def test_problem_pages_render_without_any_context(template: str, language: str) -> None:
    with override(language):
        html = render_to_string(template)
    assert f'<html lang="{language}">' in html
    assert "portal/page.css" in html


def test_form_without_its_token_is_refused_in_the_portals_look(db: None) -> None:
    answer = Client(enforce_csrf_checks=True, headers=ENGLISH).post(LOGIN)
    assert answer.status_code == 403
    assert "This form is too old" in text_of(answer)


@pytest.mark.parametrize(("headers", "words"), [(CHINESE, "登录"), (ENGLISH, "Log in")])
def test_login_page_speaks_the_browsers_language(headers: dict[str, str], words: str, db: None) -> None:
    html = text_of(Client(headers=headers).get(LOGIN))
    assert words in html
    assert "portal/console.css" in html


def test_operator_who_opens_the_login_page_itself_comes_to_the_overview(db: None) -> None:
    make_operator("lin")
    answer = Client().post(LOGIN, {"username": "lin", "password": "correct horse"})
    assert answer["Location"] == reverse("admin:index")


@pytest.mark.parametrize("where", ["query", "form"])
@pytest.mark.parametrize(
    "unsafe", ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)"]
)
def test_operator_with_a_refused_next_comes_to_the_overview(unsafe: str, where: str, db: None) -> None:
    make_operator("lin")
    form = {"username": "lin", "password": "correct horse"}
    if where == "query":
        answer = Client().post(f"{LOGIN}?{urlencode({'next': unsafe})}", form)
    else:
        answer = Client().post(LOGIN, form | {"next": unsafe})
    assert (answer.status_code, answer["Location"]) == (302, reverse("admin:index"))


def test_language_can_be_switched_before_signing_in(db: None) -> None:
    client = Client(headers=ENGLISH)
    assert '<button type="submit" name="language" value="zh-hans"' in text_of(client.get(LOGIN))
    assert ">English</button>" in text_of(Client(headers=CHINESE).get(LOGIN))
    answer = client.post("/i18n/setlang/", {"language": "zh-hans", "next": LOGIN})
    assert answer["Location"] == LOGIN
    assert client.cookies[django_settings.LANGUAGE_COOKIE_NAME].value == "zh-hans"
    assert "登录" in text_of(client.get(LOGIN))


def test_operator_finds_the_language_switch_in_the_console(rows: Rows, as_owner: Client) -> None:
    html = text_of(as_owner.get(list_of("bots_bot")))
    assert html.count(f'action="{reverse("set_language")}"') == 2


def test_operators_menu_says_the_version_and_the_login_page_does_not(rows: Rows, as_owner: Client) -> None:
    for page in (reverse("admin:index"), list_of("bots_bot")):
        assert f'data-testid="version">Feishu Portal {__version__}<' in text_of(as_owner.get(page))
    assert 'data-testid="version"' not in text_of(Client().get(LOGIN))


def test_every_static_file_that_a_page_names_is_served(rows: Rows, as_owner: Client) -> None:
    pages = [as_owner.get("/admin/"), as_owner.get("/no/such/page")]
    named = {
        name
        for page in pages
        for name in re.findall(r'(?:href|src)="(/static/\w+/portal/[^"]+)"', text_of(page))
    }
    expected = "badges.js board.css console.css console.js events.css figures.css icon-failing.svg icon.svg overview.css page.css"
    assert named == {static(f"portal/{name}") for name in expected.split()}
    assert {as_owner.get(name).status_code for name in named} == {200}


@pytest.mark.parametrize(("to_field", "status"), [("", 200), ("no_such", 400), ("app_secret", 400)])
def test_page_that_is_asked_for_by_a_field_of_another_name_is_shown_or_refused(
    to_field: str, status: int, rows: Rows, as_superuser: Client
) -> None:
    pages = [page_of(name, rows.of(name)) for name in PAGES]
    pages += [page_of("bots_bot", rows.bot, "delete"), list_of("bots_bot")]

    assert {as_superuser.get(page, {"_to_field": to_field}).status_code for page in pages} == {status}
