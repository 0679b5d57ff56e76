"""The page of the platform's codes is made of their table, and explains each category."""

from feishu.categories import Category
from feishu_portal.reference.codes_page import documents


def test_pages_are_current() -> None:
    outdated = [path.name for path, content in documents().items() if path.read_text() != content]
    assert outdated == [], "run make docs"


def test_each_category_is_explained() -> None:
    for page in documents().values():
        assert [category for category in Category if f"\n| `{category}` | " not in page] == []
