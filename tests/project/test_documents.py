"""Documents name files, sections and modules; these tests hold them to it.

Each looks at all documents and names those that are wrong: a test a document would cost more than the looking.
"""

import re
from functools import cache
from pathlib import Path

import polib

from feishu_portal.catalogue import SOURCE
from tests.services.documents import NOT_RUN, blocks
from tests.services.processes import PROJECT

ROOTS = ("feishu", "core", "bots", "events", "auth_sessions", "feishu_portal", "sandbox")
DOCUMENTS = sorted(
    path.relative_to(PROJECT).as_posix()
    for pattern in ("*.md", "docs/**/*.md")
    for path in PROJECT.glob(pattern)
)
RECORDS = [name for name in DOCUMENTS if re.fullmatch(r"docs/adr/\d{4}-.*", name)]
GUIDES = ("docs/quickstart.", "docs/how-to/", "docs/migrate/")
"""Which `test_documented_commands.py` runs."""
LINK = re.compile(r"\]\((?!https?:)([^)#]*)(?:#([^)]*))?\)")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
# Paths in code marks, such as `core/database` or `.ci/run`.
PATH = re.compile(
    r"`((?:\.ci|auth_sessions|bench|bots|core|docs|events|feishu|feishu_portal|sandbox|tests)/[\w./-]*)`"
)

# A button or page, as Chinese documents name it: pressed, a page, or the console's.
NAMED_ON_SCREEN = re.compile("(?:点击|控制台的?|控制台 → ?|异常)“([^”]+)”|“([^”]+)”页")
OF_THE_DEVELOPER_CONSOLE = {"回调配置"}


@cache
def read(name: str) -> str:
    return (PROJECT / name).read_text()


@cache
def anchors(path: Path) -> set[str]:
    """What a link to a section of this document may say: the name that its heading was given, or else what GitHub makes of it."""
    headings = HEADING.findall(path.read_text())
    return {
        named[1]
        if (named := re.search(r"\{#([\w-]+)\}$", heading))
        else re.sub(r"[^\w -]", "", heading).strip().lower().replace(" ", "-")
        for heading in headings
    }


def test_every_relative_link_leads_to_a_file_and_its_section() -> None:
    broken = []
    for name in DOCUMENTS:
        document = PROJECT / name
        for target, anchor in LINK.findall(read(name)):
            leads_to = (document.parent / target).resolve() if target else document
            if not leads_to.exists() or (anchor and anchor not in anchors(leads_to)):
                broken.append(f"{name}: {target}#{anchor}")

    assert broken == []


def test_chinese_pages_lead_to_chinese_pages() -> None:
    chinese = [name for name in DOCUMENTS if ".zh" in name]

    assert chinese
    assert [
        f"{name}: {target}"
        for name in chinese
        for target, _anchor in LINK.findall(read(name))
        if target.endswith(".md")
        and not target.endswith(".zh.md")
        and ((PROJECT / name).parent / f"{target[:-3]}.zh.md").exists()
    ] == []


def test_every_path_named_exists() -> None:
    named = {
        (name, path) for name in DOCUMENTS if name != "CHANGELOG.md" for path in PATH.findall(read(name))
    }

    assert {(name, path) for name, path in named if not (PROJECT / path).exists()} == set()


def test_every_decision_record_is_in_the_index_and_says_all_it_has_to() -> None:
    index = (PROJECT / "docs/adr/README.md").read_text()
    numbers = [int(Path(name).name[:4]) for name in RECORDS]

    assert numbers == list(range(1, len(RECORDS) + 1))
    for name in RECORDS:
        text = (PROJECT / name).read_text()
        title = HEADING.search(text)
        assert title, name
        number, _, words = title[1].partition(". ")
        assert f"{number}. [{words}]({Path(name).name})" in index
        for part in ("Context", "Decision", "Consequences", "Where", "Tests"):
            assert f"**{part}.**" in text, f"{name} has no {part}"


def test_example_tests_of_the_recipes_exist() -> None:
    named = re.findall(r"`(test_\w+)`\s+in\s+`(tests/[\w/.]+)`", (PROJECT / "CONTRIBUTING.md").read_text())

    assert named
    assert [test for test, path in named if f"def {test}(" not in (PROJECT / path).read_text()] == []


def test_every_app_is_on_the_map() -> None:
    maps = [read("docs/architecture.md"), read("docs/architecture.zh.md")]
    apps = {
        path.parent.relative_to(PROJECT).as_posix()
        for root in ROOTS
        for path in (PROJECT / root).rglob("apps.py")
    }

    for architecture in maps:
        assert {app for app in apps if f"`{app}/`" not in architecture} == {
            "core/access"
        }  # as `access/` in core's row


def test_names_of_the_glossary_are_those_of_the_code() -> None:
    glossary, chinese = read("docs/glossary.md"), read("docs/glossary.zh.md")
    sources = [path.read_text() for root in ROOTS for path in (PROJECT / root).rglob("*.py")]
    classes = {name for text in sources for name in re.findall(r"^class (\w+)", text, re.MULTILINE)}

    named = set(re.findall(r"`([A-Z][a-z]+[A-Za-z]*)`", glossary))
    assert named
    assert named - classes == set()
    assert set(re.findall("`[^`]+`", chinese)) == set(re.findall("`[^`]+`", glossary))


def test_buttons_and_pages_that_chinese_documents_name_are_there() -> None:
    catalogue = polib.pofile(str(SOURCE))
    words = {
        said.rstrip("…") for entry in catalogue for said in (entry.msgstr, *entry.msgstr_plural.values())
    }
    # Cards and the sandbox have both languages in the code.
    sources = [path for root in ROOTS for path in (PROJECT / root).rglob("*.py")]
    sources.append(PROJECT / "sandbox/pages/static/words.js")
    words |= {said for path in sources for said in re.findall('"([^"\n]+)"', path.read_text())}

    unknown = {
        (name, said)
        for name in DOCUMENTS
        if re.search("[.]zh(-CN)?[.]md$", name)
        for pair in NAMED_ON_SCREEN.findall((PROJECT / name).read_text())
        if (said := "".join(pair).rstrip("…")) not in words | OF_THE_DEVELOPER_CONSOLE
    }
    assert unknown == set()


def test_commands_that_are_run_are_the_same_in_both_languages_and_each_has_a_test() -> None:
    tests = "".join(path.read_text() for path in (PROJECT / "tests/processes").glob("test_*.py"))
    translated = {
        name: commands
        for name in DOCUMENTS
        if (PROJECT / name).with_suffix(".zh.md").exists() and (commands := blocks(name))
    }

    assert translated
    for name, commands in translated.items():
        chinese = blocks(name.replace(".md", ".zh.md"))
        assert {key: text.split() for key, text in chinese.items()} == {
            key: text.split() for key, text in commands.items()
        }, name
        assert [block for block in commands if f'"{block}"' not in tests] == [], name


def test_operators_read_which_commands_no_test_runs() -> None:
    """Targets of ``make`` are what everybody runs, tests among them."""
    for name in DOCUMENTS:
        if name.startswith(GUIDES):
            continue
        text = read(name)
        shown = len(re.findall(r"^ *```(?:sh|bash|console)\b", text, re.MULTILINE))
        targets = len(re.findall(r"^```sh\n(?:make [a-z-]+\n)+```$", text, re.MULTILINE))
        untested = len(re.findall(rf'^ *```sh title="(?:{"|".join(NOT_RUN)})\S', text, re.MULTILINE))

        assert len(blocks(name)) + untested + targets == shown, name
