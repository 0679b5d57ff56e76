"""The description of the API under version control is that of the code."""

from feishu_portal.reference.openapi_file import PAGE, page


def test_description_of_the_api_is_current() -> None:
    assert PAGE.read_text() == page(), "run make docs"
