"""Every word on the pages that the server writes, in both languages."""

from collections.abc import Callable
from typing import Final

from feishu.text import Text

WORDS: Final = {
    "title": Text("飞书沙箱", "Feishu Sandbox"),
    "tagline": Text(
        "本机上的飞书替身，供试用和测试", "A stand-in for Feishu on this machine, to try and to test with"
    ),
    "you_are": Text("你的身份", "You are"),
    "bots": Text("机器人", "Bots"),
    "log": Text("调用与推送", "Calls and pushes"),
    "log_app": Text("按机器人筛选", "Calls of which bot"),
    "every_bot": Text("全部机器人", "Every bot"),
    "clear": Text("清空", "Clear"),
    "say": Text("发消息，按 Enter 发送", "Write a message, Enter sends"),
    "send": Text("发送", "Send"),
    "attach": Text("发送图片或文件", "Send a picture or a file"),
    "mention": Text("提及", "Mention"),
    "other_language": Text("English", "中文"),
    "choose": Text("选择一个机器人开始聊天", "Choose a bot to talk to"),
    "authorize": Text("授权", "Authorize"),
    "deny": Text("拒绝", "Deny"),
    "wants": Text("申请获得以下权限", "would like to"),
    "as": Text("以此身份授权", "Authorize as"),
    "granted": Text("已授权", "allowed before"),
    "no_scopes": Text("使用已授权过的权限", "Use what you allowed before"),
    "may_withdraw": Text(
        "授权后，应用可代表你访问上述数据。你可以随时撤销授权。",
        "The app may then use this data on your behalf. You can withdraw this at any time.",
    ),
    "authorization": Text("飞书授权", "Feishu authorization"),
    "failed": Text("无法完成授权", "Authorization is not possible"),
    "error_code": Text("错误码", "Error code"),
    "ask_admin": Text(
        "请联系应用的开发者或管理员。", "Please ask the developer or the administrator of the app."
    ),
    "device_title": Text("连接设备", "Connect a device"),
    "device_hint": Text("输入设备上显示的代码", "Type the code that the device shows"),
    "continue": Text("继续", "Continue"),
    "device_unknown": Text("代码不存在或已过期", "This code is unknown or has expired"),
    "device_allowed": Text("授权成功，请回到你的设备", "Done. Go back to your device"),
    "device_denied": Text("已拒绝授权", "You denied the authorization"),
    "register_title": Text("创建应用", "Create an app"),
    "register_extend": Text("更新应用", "Extend an app"),
    "register_refused": Text("无法继续：", "This is not possible:"),
    "register_app": Text("应用", "App"),
    "register_new": Text("创建新应用", "a new one"),
    "register_confirm": Text("确认", "Confirm"),
    "register_made": Text("已完成，请回到刚才的程序", "Done. Go back to your program"),
    "register_denied": Text("已取消", "You said no"),
    "code": Text("代码", "Code"),
    "console": Text("开发者后台", "Developer console"),
    "apps": Text("应用", "Apps"),
    "app_name": Text("应用名称", "Name of the app"),
    "people_and_groups": Text("成员与群组", "People and groups"),
    "push": Text("推送事件", "Push events"),
    "close": Text("关闭", "Close"),
    "docs": Text("控制接口", "Control API"),
    "misses": Text("未实现的接口", "APIs that were missed"),
    "misses_hint": Text(
        "应用调用过、但沙箱没有的接口。可通过 PUT /sandbox/api/answers 为其设置固定的响应。",
        "What apps have called and the sandbox has not. PUT /sandbox/api/answers gives an API a canned answer.",
    ),
    "not_imitated": Text("飞书有此接口，沙箱未实现", "exists at Feishu, not imitated here"),
    "no_such_api": Text("飞书没有此接口", "Feishu has no such API"),
    "no_misses": Text("暂无", "None so far"),
    "faults": Text("故障", "Faults"),
    "sandbox_note": Text(
        "这是沙箱页面，不会连接真实的飞书", "This is a sandbox; nothing here reaches the real Feishu"
    ),
}


def translator(language: str) -> Callable[[str], str]:
    """Looks a word up in one language."""

    def translate(word: str) -> str:
        return WORDS[word].in_language(language)

    return translate
