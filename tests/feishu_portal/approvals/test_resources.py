import pytest

from feishu_portal.approvals.resources import Resource, resources_of

APP, DOCX, FILE = "bascnOfTheTests123", "doxcnOfTheTests123", "boxcnOfTheTests123"


@pytest.mark.parametrize(
    ("path", "named", "query", "found"),
    [
        ("im/v1/messages", ["receive_id=oc_1", "user_ids=ou_a"], "", [Resource("chat", "oc_1"), Resource("person", "ou_a")]),
        ("im/v1/chats/oc_1/members", [], "", [Resource("chat", "oc_1")]),
        ("docx/v1/documents", ["folder_token=fldcnOfTheTests123"], "", [Resource("folder", "fldcnOfTheTests123")]),
        (f"docx/v1/documents/{DOCX}/blocks/{DOCX}", [f"document_id={DOCX}"], "", [Resource("docx", DOCX)]),
        (
            f"bitable/v1/apps/{APP}/tables/tblOfTheTests/records",
            [],
            "",
            [Resource("bitable", APP), Resource("table", "tblOfTheTests", base=APP)],
        ),
        (f"drive/v1/files/{FILE}", [], "type=file", [Resource("file", FILE)]),
        (f"drive/v1/permissions/{DOCX}/members", [], "type=docx", [Resource("docx", DOCX)]),
        (f"drive/v1/files/{FILE}", [], "", []),
        (f"drive/v1/files/{FILE}", [], "type=type", []),
        ("drive/v1/files/upload_all", [], "type=file", []),
        ("task/v2/tasks", ["id=x", "receive_id=oc_1 “x”", "receive_id=oc_1/..", "token=", "folder_token=../../x", "="], "", []),
        ("im/v1/chats/oc_1%2F..", [], "", []),
    ],
)  # fmt: skip
def test_kind_is_told_by_the_look_of_an_id_or_where_it_stands(path, named, query, found) -> None:
    assert resources_of(f"/open-apis/{path}", named, query=query) == found
    assert all(one.words.zh_cn and one.words.en_us for one in found)
