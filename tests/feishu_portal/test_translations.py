"""Text people see exists in Simplified Chinese and in English, and neither leaks into the other."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from html.parser import HTMLParser
from pathlib import Path

import polib
import pytest
import unfold
from django.conf import settings
from django.contrib import admin
from django.template.loader import render_to_string
from django.test import Client
from django.utils.translation import override
from django.utils.translation.template import templatize

from auth_sessions.pages.words import LINK_PAGES, OUTCOME_PAGES, context
from core.console.borrowed_words import UNFOLD_WORDS
from tests.console.rows import PAGES, Rows, list_of, make_rows, page_of, signed_in, text_of
from tests.factories import make_operator

ROOT = Path(settings.BASE_DIR)
CATALOGUE = ROOT / "locale" / "zh_Hans" / "LC_MESSAGES" / "django.po"
OURS = ("feishu", "core", "bots", "events", "auth_sessions", "feishu_portal")
MARKERS = {
    "_",
    "gettext",
    "gettext_lazy",
    "gettext_noop",
    "ngettext",
    "ngettext_lazy",
    "pgettext",
    "pgettext_lazy",
}
PLACEHOLDER = re.compile(r"%\(\w+\)[sd]|%[sd]|\{\w*\}")

CHINESE = re.compile(r"[\u3400-\u9fff]")
SENTENCE = re.compile(r"[A-Za-z][a-z’']+(?:[ ,:;]+[A-Za-z][a-z’']+)+")
SCOPE = re.compile(r"\b(offline_access|[a-z_.]+(:[a-z_.]+)+)")
every_page_once = pytest.mark.only_on("postgres")
"""Words are no matter of the database, and every page of the console takes seconds."""
# Names that are English in Feishu's own Chinese console, and what the rows of these tests are called.
NAMES = {
    "App Secret", "Encrypt Key", "Verification Token", "Union ID", "Open ID", "User ID", "Helper", "English",
    "app secret invalid", "no such order", "Claude Code", "Li Lei",
}  # fmt: skip


def python_words(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in MARKERS:
            first = node.func.id.startswith("pgettext")  # a context stands before the words
            for argument in node.args[first : 2 if node.func.id.startswith("ngettext") else first + 1]:
                if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
                    yield argument.value


def template_words(path: Path) -> Iterator[str]:
    """Django's own translation of a template into Python-like text for xgettext, read as Python."""
    for call in re.findall(
        r"(?:\bn?gettext|_)\(u?(.+?)\) ", templatize(path.read_text(), origin=str(path)) + " "
    ):
        for argument in ast.parse(f"f({call})").body[0].value.args:  # type: ignore[attr-defined]
            if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
                yield argument.value


@cache
def our_words() -> set[str]:
    words = {
        word for package in OURS for path in (ROOT / package).rglob("*.py") for word in python_words(path)
    }
    templates = (path for folder in ("templates", *OURS) for path in (ROOT / folder).rglob("*.html"))
    return words | {word for path in templates for word in template_words(path)}


@pytest.fixture(scope="module")
def catalogue() -> polib.POFile:
    return polib.pofile(str(CATALOGUE))


def test_extraction_finds_words_of_code_and_of_templates() -> None:
    assert {"Long connection", "Write /auth to the bot", "%(counter)s entries"} <= our_words()


def test_every_word_of_ours_is_in_the_catalogue(catalogue: polib.POFile) -> None:
    known = {entry.msgid for entry in catalogue} | {entry.msgid_plural for entry in catalogue}
    assert our_words() - known == set()


def test_the_catalogue_holds_nothing_else(catalogue: polib.POFile) -> None:
    assert {entry.msgid for entry in catalogue if not entry.obsolete} - our_words() == set()
    assert catalogue.obsolete_entries() == []


def test_every_word_is_translated_for_good(catalogue: polib.POFile) -> None:
    assert [entry.msgid for entry in catalogue.untranslated_entries()] == []
    assert [entry.msgid for entry in catalogue.fuzzy_entries()] == []


def test_translations_keep_the_placeholders(catalogue: polib.POFile) -> None:
    for entry in catalogue:
        for translation in [entry.msgstr, *entry.msgstr_plural.values()]:
            if translation:
                assert sorted(PLACEHOLDER.findall(translation)) == sorted(PLACEHOLDER.findall(entry.msgid))


def test_borrowed_words_are_those_that_unfold_says() -> None:
    folder = Path(unfold.__file__).parent
    said = {word for path in folder.rglob("*.py") for word in python_words(path)}
    said |= {word for path in folder.rglob("*.html") for word in template_words(path)}
    assert set(UNFOLD_WORDS) - said == set()


# --- what is really on the pages


class Words(HTMLParser):
    """The texts of a page, and those of attributes that people get to see."""

    SEEN = ("title", "placeholder", "aria-label", "alt", "data-label", "data-copied")
    HIDDEN = ("script", "style", "code", "pre", "template", "textarea")

    def __init__(self, html: str) -> None:
        super().__init__()
        self.texts: list[str] = []
        self._hidden = 0
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._hidden += tag in self.HIDDEN
        self.texts += [value for name, value in attrs if name in self.SEEN and value]

    def handle_endtag(self, tag: str) -> None:
        self._hidden -= tag in self.HIDDEN

    def handle_data(self, data: str) -> None:
        if not self._hidden and data.strip():
            self.texts.append(" ".join(data.split()))


def english_in(html: str) -> list[str]:
    """Texts of a Chinese page that are English: several words in a row and not a Chinese character."""
    texts = []
    for text in Words(html).texts:
        rest = SCOPE.sub("", text)
        for name in NAMES:
            rest = rest.replace(name, "")
        if not CHINESE.search(rest) and SENTENCE.search(rest):
            texts.append(text)
    return texts


def chinese_in(html: str) -> list[str]:
    """Texts of an English page that are Chinese; the name of the other language is, rightly."""
    return [text for text in Words(html).texts if CHINESE.search(text.replace("简体中文", ""))]


def console_pages(rows: Rows) -> list[str]:
    admin.autodiscover()
    lists = [list_of(model._meta.label_lower.replace(".", "_")) for model in admin.site._registry]
    single = [page_of(page, rows.of(page)) for page in PAGES]
    adding = [
        f"/admin/{name}/add/"
        for name in (
            "bots/bot",
            "access/user",
            "access/apiclient",
            "events/subscription",
            "alerts/alertreceiver",
        )
    ]
    asking = ["/admin/auth_sessions/authsession/ask/", page_of("bots_bot", rows.bot, "toggle")]
    asking += [page_of("auth_sessions_authsession", rows.session, name) for name in ("cancel", "update_card")]
    asking += [page_of("bots_bot", rows.bot, "delete"), "/admin/password_change/"]
    others = [
        "/admin/connections/",
        "/admin/events/event/live/",
        "/admin/events/event/dead-letters/",
        "/admin/search/?q=helper",
    ]
    return ["/admin/", *lists, *single, *adding, *asking, *others]


@pytest.fixture
def rows(db: None) -> Rows:
    return make_rows(name="Helper")


def test_check_tells_english_from_chinese() -> None:
    assert english_in(
        "<p>Nothing matches</p><p>没有 Nothing matches</p><p>App Secret</p><code>not seen</code>"
    ) == ["Nothing matches"]
    assert chinese_in('<p title="机器人">Bot</p>') == ["机器人"]


@every_page_once
def test_chinese_console_has_no_english_sentence(rows: Rows) -> None:
    client = signed_in(make_operator("root", superuser=True), "zh-CN")
    left = {page: english_in(text_of(client.get(page))) for page in console_pages(rows)}
    assert {page: texts for page, texts in left.items() if texts} == {}


@every_page_once
def test_english_console_has_no_chinese(rows: Rows) -> None:
    client = signed_in(make_operator("root", superuser=True), "en")
    left = {page: chinese_in(text_of(client.get(page))) for page in console_pages(rows)}
    assert {page: texts for page, texts in left.items() if texts} == {}


@every_page_once
def test_empty_console_is_translated_too(db: None) -> None:
    root = make_operator("root", superuser=True)
    for page in [
        "/admin/",
        *(list_of(name) for name in (*PAGES, "access_auditentry", "access_apiclient")),
    ]:
        assert english_in(text_of(signed_in(root, "zh-CN").get(page))) == []
        assert chinese_in(text_of(signed_in(root, "en").get(page))) == []


@pytest.mark.parametrize("page", ["/admin/login/", "/no/such/page", "/oauth/callback/cli_none/?state=x"])
def test_pages_without_a_sign_in_are_in_one_language(page: str, db: None) -> None:
    assert english_in(text_of(Client(headers={"accept-language": "zh-CN"}).get(page))) == []
    assert chinese_in(text_of(Client(headers={"accept-language": "en"}).get(page))) == []


@pytest.mark.parametrize("page", sorted(path.name for path in (ROOT / "templates").glob("[45]*.html")))
@pytest.mark.parametrize("is_unknown", [False, True])
def test_error_pages_are_in_one_language(page: str, is_unknown: object) -> None:
    for language, check in (("zh-hans", english_in), ("en", chinese_in)):
        with override(language):
            html = render_to_string(page, {"seconds": 5, "origin": "https://a", "is_unknown": is_unknown})
        assert check(html) == []


@pytest.mark.parametrize(
    "page", [*OUTCOME_PAGES.values(), *LINK_PAGES.values()], ids=lambda page: str(page.title)
)
def test_outcomes_are_in_one_language(page: object) -> None:
    for language, check in (("zh-hans", english_in), ("en", chinese_in)):
        with override(language):
            html = render_to_string(
                "auth_sessions/outcome.html", context(page, code=1, log_id="x", return_url="https://a/")
            )
        assert check(html) == []
