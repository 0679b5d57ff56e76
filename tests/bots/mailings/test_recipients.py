import pytest

from auth_sessions.models import Campaign, CampaignMember
from bots.enums import RecipientKind, RecipientState
from bots.mailings.recipients import Named, rows_for


@pytest.mark.parametrize(
    ("text", "kind", "given"),
    [
        ("ou_1", RecipientKind.OPEN_ID, "ou_1"),
        ("on_1", RecipientKind.UNION_ID, "on_1"),
        ("oc_1", RecipientKind.CHAT_ID, "oc_1"),
        ("od-1", RecipientKind.DEPARTMENT, "od-1"),
        (" wang@company.test ", RecipientKind.EMAIL, "wang@company.test"),
        ("+49 151-23 45 67", RecipientKind.PHONE, "+49151234567"),
        ("13800138000", RecipientKind.PHONE, "13800138000"),
        ("100234", RecipientKind.USER_ID, "100234"),
        ("li.lei", RecipientKind.USER_ID, "li.lei"),
        ("王芳", RecipientKind.NAME, "王芳"),
        ("Han  Meimei", RecipientKind.NAME, "Han Meimei"),
        ("王@company.test", RecipientKind.EMAIL, "王@company.test"),
        ("wang＠company.test", RecipientKind.EMAIL, "wang@company.test"),
        ("１３８００１３８０００", RecipientKind.PHONE, "13800138000"),
        ("＋49　151 234567", RecipientKind.PHONE, "+49151234567"),
        ("ｏｕ＿1", RecipientKind.OPEN_ID, "ou_1"),
    ],
)
def test_line_is_read_by_its_look(text: str, kind: RecipientKind, given: str) -> None:
    assert Named.by_look(text) == Named(kind, given)


def test_who_is_named_twice_in_the_same_words_is_one_row() -> None:
    named = [Named.by_look(text) for text in ("ou_1", "a@x.test", "ou_1")]
    rows = rows_for(Campaign(), named, recipients=CampaignMember)
    assert [(row.given, row.target, row.state) for row in rows] == [
        ("ou_1", "ou_1", RecipientState.READY),
        ("a@x.test", "", RecipientState.WAITING),
    ]
