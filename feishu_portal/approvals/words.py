"""What a call does, in words: from its method and path alone, for what stands in it is anybody's text. Pure."""

from collections.abc import Mapping
from typing import Final

from feishu.text import Text

_CALLS: Final[Mapping[str, Text]] = {
    "POST im/v1/messages": Text("发送消息", "Send a message"),
    "POST im/v1/messages/*/reply": Text("回复消息", "Reply to a message"),
    "POST im/v1/messages/*/forward": Text("转发消息", "Forward a message"),
    "DELETE im/v1/messages/*": Text("撤回消息", "Recall a message"),
    "POST im/v1/chats": Text("创建群", "Create a group"),
    "POST im/v1/chats/*/members": Text("添加群成员", "Add members to a group"),
    "DELETE im/v1/chats/*/members": Text("移出群成员", "Remove members from a group"),
    "DELETE im/v1/chats/*": Text("解散群", "Disband a group"),
    "POST task/v2/tasks": Text("创建任务", "Create a task"),
    "PATCH task/v2/tasks/*": Text("修改任务", "Change a task"),
    "DELETE task/v2/tasks/*": Text("删除任务", "Delete a task"),
    "POST calendar/v4/calendars/*/events": Text("创建日程", "Create a calendar event"),
    "PATCH calendar/v4/calendars/*/events/*": Text("修改日程", "Change a calendar event"),
    "DELETE calendar/v4/calendars/*/events/*": Text("删除日程", "Delete a calendar event"),
    "POST docx/v1/documents": Text("创建文档", "Create a document"),
    "DELETE drive/v1/files/*": Text("删除文件或文件夹", "Delete a file or folder"),
    "POST drive/v1/files/upload_all": Text("上传文件", "Upload a file"),
    "POST drive/v1/files/*/move": Text("移动文件或文件夹", "Move a file or folder"),
    "POST drive/v1/permissions/*/members": Text("添加文档协作者", "Share a document"),
    "PATCH drive/v1/permissions/*/public": Text("修改文档的公开设置", "Change who may open a document"),
    "PATCH drive/v2/permissions/*/public": Text("修改文档的公开设置", "Change who may open a document"),
    "POST bitable/v1/apps/*/tables/*/records": Text("新增多维表格记录", "Add a record to a table"),
    "PUT bitable/v1/apps/*/tables/*/records/*": Text("修改多维表格记录", "Change a record of a table"),
    "DELETE bitable/v1/apps/*/tables/*/records/*": Text("删除多维表格记录", "Delete a record of a table"),
    "POST approval/v4/instances": Text("提交审批", "Submit an approval request"),
    "POST approval/v4/tasks/approve": Text("同意审批", "Agree to an approval request"),
    "POST approval/v4/tasks/reject": Text("拒绝审批", "Reject an approval request"),
}
"""The calls that agents most often make."""
_VERBS: Final[Mapping[str, Text]] = {
    "GET": Text("读取", "Read"),
    "HEAD": Text("读取", "Read"),
    "POST": Text("新建、提交或查询", "Create, submit or search"),
    "PUT": Text("修改", "Change"),
    "PATCH": Text("修改", "Change"),
    "DELETE": Text("删除", "Delete"),
}
_SERVICES: Final[Mapping[str, Text]] = {
    "approval": Text("审批", "approvals"),
    "attendance": Text("考勤", "attendance"),
    "base": Text("多维表格", "Base"),
    "bitable": Text("多维表格", "Base"),
    "board": Text("画板", "whiteboards"),
    "calendar": Text("日历", "calendar"),
    "contact": Text("通讯录", "contacts"),
    "corehr": Text("人事", "people data"),
    "doc": Text("文档", "documents"),
    "docx": Text("文档", "documents"),
    "drive": Text("云空间", "drive"),
    "hire": Text("招聘", "hiring"),
    "im": Text("消息与群", "messages and groups"),
    "mail": Text("邮箱", "mail"),
    "minutes": Text("妙记", "minutes"),
    "okr": Text("OKR", "OKR"),
    "search": Text("搜索", "search"),
    "sheets": Text("电子表格", "sheets"),
    "task": Text("任务", "tasks"),
    "vc": Text("视频会议", "meetings"),
    "wiki": Text("知识库", "wiki"),
}


def in_words(method: str, path: str) -> Text:
    """The call in a few words. ``path`` is encoded and begins with /open-apis/."""
    segments = path.removeprefix("/open-apis/").split("/")
    for known, words in _CALLS.items():
        wanted_method, _, wanted = known.partition(" ")
        parts = wanted.split("/")
        is_alike = method == wanted_method and len(parts) == len(segments)
        if is_alike and all(part in {"*", one} for part, one in zip(parts, segments, strict=True)):
            return words
    verb, service = _VERBS[method], _SERVICES.get(segments[0])
    if service is None:
        return Text(f"{verb.zh_cn}（其他接口）", f"{verb.en_us} (another API)")
    return Text(f"{verb.zh_cn}：{service.zh_cn}", f"{verb.en_us}: {service.en_us}")
