import re

from feishu_portal.reference.marked_pages import LANGUAGES, ROOT
from feishu_portal.reference.settings_page import PAGE, documents
from feishu_portal.settings_table import SettingsTable

NAMES = [variable.name for variable in SettingsTable.variables()]


def test_documents_are_current() -> None:
    outdated = [path.name for path, content in documents().items() if path.read_text() != content]
    assert outdated == [], "run make docs"


def test_both_pages_list_every_variable() -> None:
    for ending in LANGUAGES:
        page = documents()[ROOT / "docs" / f"{PAGE}{ending}"]
        assert re.findall(r"^\| `([A-Z_]+)` \|", page, re.MULTILINE) == NAMES


def test_example_environment_offers_every_variable_and_sets_none() -> None:
    lines = documents()[ROOT / ".env.example"].splitlines()
    # A file cannot name itself.
    assert [line[1:].split("=")[0] for line in lines if re.match(r"#[A-Z_]+=", line)] == NAMES[1:]
    assert [line for line in lines if line and not line.startswith("#")] == []


def test_settings_take_every_variable_from_the_table() -> None:
    read = set(re.findall(r"\benvironment\.([A-Z_]+)", (ROOT / "feishu_portal/settings.py").read_text()))
    assert read == set(NAMES) - {"ENV_FILE"}
