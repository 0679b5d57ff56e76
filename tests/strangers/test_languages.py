"""Every page that an administrator may open is in one language."""

import pytest
from django.test import Client

from tests.factories import make_operator
from tests.feishu_portal.test_translations import chinese_in, english_in
from tests.strangers.attempts import page_attempts
from tests.strangers.private import Private, make_private

pytestmark = [pytest.mark.django_db, pytest.mark.only_on("sqlite")]


@pytest.fixture
def private() -> Private:
    return make_private()


@pytest.mark.parametrize(("language", "foreign_in"), [("en", chinese_in), ("zh-CN", english_in)])
def test_no_page_mixes_languages(language, foreign_in, private):
    client = Client(headers={"accept-language": language}, raise_request_exception=False)
    client.force_login(make_operator("root", superuser=True))
    faults, looked_at = {}, 0
    for attempt in page_attempts(private):
        if attempt.method != "GET" or attempt.route == "admin/logout/":
            continue
        answer = client.get(attempt.address)
        if answer.status_code == 200 and answer.headers.get("Content-Type", "").startswith("text/html"):
            looked_at += 1
            found = foreign_in(answer.content.decode())
            if left := [text for text in found if not any(word in text for word in private.telling)]:
                faults[attempt.address] = left
    assert looked_at > 60
    assert faults == {}
