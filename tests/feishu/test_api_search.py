import pytest

from feishu.api_list import Api, apis
from feishu.api_search import described, find


def first(words: str) -> str:
    return str(find(words, limit=1, among=lambda _api: True)[0])


@pytest.mark.parametrize(
    ("words", "api"),
    [
        ("create calendar event attendee", "POST /open-apis/calendar/v4/calendars/:calendar_id/events/:event_id/attendees"),
        ("send a message", "POST /open-apis/im/v1/messages"),
        ("list the members of a chat", "GET /open-apis/im/v1/chats/:chat_id/members"),
        ("delete bitable record", "DELETE /open-apis/bitable/v1/apps/:app_token/tables/:table_id/records/:record_id"),
        ("append sheet values", "POST /open-apis/sheets/v2/spreadsheets/:spreadsheet_token/values_append"),
        ("审批 instance create", "POST /open-apis/approval/v4/instances"),
    ],
)  # fmt: skip
def test_words_find_the_api_that_is_meant(words, api):
    assert first(words) == api


def test_words_that_stand_in_no_path_find_nothing():
    assert find("the xyzzy of a", limit=5, among=lambda _api: True) == []
    assert find("!?", limit=5, among=lambda _api: True) == []


def test_only_those_among_which_is_looked_are_found():
    found = find("task", limit=50, among=lambda api: api.method == "DELETE")
    assert found
    assert {api.method for api in found} == {"DELETE"}


def test_api_is_described_by_its_query_and_its_body():
    [event] = [
        api for api in apis() if str(api) == "POST /open-apis/calendar/v4/calendars/:calendar_id/events"
    ]
    about = described(event)
    assert about["query"]["user_id_type"] == "str"
    assert about["body"]["summary"] == "str"
    assert about["body"]["start_time"]["timestamp"] == "str"
    assert about["body"]["reminders"] == [{"minutes": "int"}]


def test_nothing_is_known_of_an_api_that_the_sdk_has_not():
    assert described(Api("GET", "/open-apis/no/v1/such", frozenset())) == {}
