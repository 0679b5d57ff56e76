import pytest

from feishu_portal.reference import marked_pages


@pytest.fixture
def page(tmp_path, monkeypatch):
    (tmp_path / "docs").mkdir()
    for ending in marked_pages.LANGUAGES:
        (tmp_path / f"docs/page{ending}").write_text("before\n<!-- a -->\nold\n<!-- /a -->\nafter\n")
    monkeypatch.setattr(marked_pages, "ROOT", tmp_path)
    return tmp_path / "docs/page.md"


def test_part_between_the_marks_is_made_again_in_both_languages(page):
    marked_pages.write(marked_pages.pages("page", "a", lambda language: f"new \\1 {language}\n"))

    assert page.read_text() == "before\n<!-- a -->\nnew \\1 en\n<!-- /a -->\nafter\n"
    assert "zh-hans" in page.with_name("page.zh.md").read_text()


def test_cells_that_look_like_tags_are_shown_as_they_are():
    assert marked_pages.table(["a", "b"], [["<id>", ""]]) == "| a | b |\n| --- | --- |\n| \\<id> | |\n"
