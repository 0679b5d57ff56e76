import pytest

from feishu_portal.approvals.words import in_words


@pytest.mark.parametrize(
    ("method", "path", "zh_cn", "en_us"),
    [
        ("POST", "/open-apis/task/v2/tasks", "创建任务", "Create a task"),
        ("DELETE", "/open-apis/im/v1/messages/om_1", "撤回消息", "Recall a message"),
        ("GET", "/open-apis/im/v1/messages/om_1", "读取：消息与群", "Read: messages and groups"),
        ("PUT", "/open-apis/sheets/v2/spreadsheets/x/values", "修改：电子表格", "Change: sheets"),
        ("DELETE", "/open-apis/%E7%82%B9%E6%AD%A4/x", "删除（其他接口）", "Delete (another API)"),
    ],
)
def test_call_is_told_in_words_of_the_portal_alone(method, path, zh_cn, en_us):
    words = in_words(method, path)
    assert (words.zh_cn, words.en_us) == (zh_cn, en_us)
