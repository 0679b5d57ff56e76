"""Each alert has a runbook in both languages, and what a runbook names is there."""

import re

import pytest
from django.core.management import get_commands

from deploy.grafana.dashboards import DASHBOARDS
from feishu.text import Text
from tests.deploy.prometheus.test_alerts import ALERTS
from tests.services.processes import PROJECT

FOLDER = PROJECT / "docs" / "runbooks"
NAMES = sorted({rule["alert"] for rule in ALERTS})
PAGES = sorted(FOLDER.glob("*.md"))
PARTS = {
    "": (
        "What it means",
        "Who feels it",
        "First look",
        "Causes, the likeliest first",
        "Repair",
        "It is over when",
    ),
    ".zh": ("含义", "谁会受影响", "先看哪里", "原因（按可能性排列）", "处理", "何时算恢复"),
}
PANEL = re.compile(r"\*\*([^*/\[\]()]+?)\s*/\s*([^*\[\]()]+?)\*\*")
COMMAND = re.compile(r"manage\.py\s+(\w+)")
LOG_LINE = re.compile(r"`([a-z]+(?:_[a-z]+)+)`")
PACKAGES = ("feishu", "core", "bots", "events", "auth_sessions", "feishu_portal")
OF_OTHERS = {"max_connections", "pg_blocking_pids", "pg_stat_activity", "token_refresh"}


def titles(language: str) -> set[tuple[str, str]]:
    """Each panel by its dashboard and its own title."""
    return {
        (_last(dashboard.title, language), panel.title.in_language(language))
        for dashboard in DASHBOARDS
        for row in dashboard.rows
        for panel in row
    }


def _last(title: Text, language: str) -> str:
    return title.in_language(language).rpartition(" / ")[2]


@pytest.mark.parametrize("name", NAMES)
def test_link_of_an_alert_leads_to_its_page_on_the_site(name: str) -> None:
    """The site makes ``x.html`` of ``docs/x.md`` and ``zh/x.html`` of ``docs/x.zh.md``."""
    site = (PROJECT / "mkdocs.yml").read_text()
    for line in ("docs_dir: docs", "use_directory_urls: false", "docs_structure: suffix"):
        assert line in site
    for rule in (rule for rule in ALERTS if rule["alert"] == name):
        base, page = re.fullmatch(r"(.+?)/(.+)\.html", rule["annotations"]["runbook_url"]).groups()
        assert base == "{{ $externalLabels.feishu_docs }}"
        assert all((PROJECT / "docs" / f"{page}{suffix}.md").is_file() for suffix in PARTS), page


def test_alerts_and_runbooks_belong_together() -> None:
    expected = {f"{name}{suffix}.md" for name in [*NAMES, "index"] for suffix in PARTS}
    assert {page.name for page in PAGES} == expected


@pytest.mark.parametrize("suffix", PARTS)
def test_index_leads_to_each_with_its_severity(suffix: str) -> None:
    text = (FOLDER / f"index{suffix}.md").read_text()
    for rule in ALERTS:
        assert re.search(rf"\[{rule['alert']}\]\({rule['alert']}{re.escape(suffix)}\.md\) \|", text)
    severities = {rule["alert"]: rule["labels"]["severity"] for rule in reversed(ALERTS)}
    assert severities == dict(re.findall(r"\[(\w+)\]\([\w.]+\) \| `(\w+)`", text))


@pytest.mark.parametrize("suffix", PARTS)
def test_runbooks_say_all_they_have_to(suffix: str) -> None:
    for name in NAMES:
        text = (FOLDER / f"{name}{suffix}.md").read_text()
        title, severities, *parts = re.split(r"\n\n(?=## |`)", text, flags=re.DOTALL)
        assert title == f"# {name}"
        assert re.findall(r"`(\w+)`", severities) == [
            rule["labels"]["severity"] for rule in ALERTS if rule["alert"] == name
        ], name
        assert tuple(part.splitlines()[0].removeprefix("## ") for part in parts) == PARTS[suffix], name
        assert all(part.partition("\n\n")[2].strip() for part in parts), name


@pytest.mark.parametrize("language", ["en", "zh"])
def test_panels_and_commands_that_are_named_are_there(language: str) -> None:
    pages = [page for page in PAGES if page.stem.endswith(".zh") == (language == "zh")]
    known = titles(language)
    assert pages
    for page in pages:
        text = re.sub(r"\n +", " ", page.read_text())
        named = {(dashboard, " ".join(panel.split())) for dashboard, panel in PANEL.findall(text)}
        assert named - known == set(), page.name
        assert set(COMMAND.findall(text)) - get_commands().keys() == set(), page.name


def test_both_languages_name_the_same_code_and_as_many_panels() -> None:
    for name in [*NAMES, "index"]:
        english, chinese = ((FOLDER / f"{name}{suffix}.md").read_text() for suffix in PARTS)
        assert sorted(set(re.findall(r"`([^`]+)`", " ".join(english.split())))) == sorted(
            set(re.findall(r"`([^`]+)`", " ".join(chinese.split())))
        ), name


def test_log_lines_and_reasons_that_are_named_are_written_somewhere() -> None:
    source = "\n".join(path.read_text() for package in PACKAGES for path in (PROJECT / package).rglob("*.py"))
    named = {word for page in PAGES for word in LOG_LINE.findall(page.read_text())}
    assert {word for word in named if f'"{word}"' not in source} - OF_OTHERS == set()
