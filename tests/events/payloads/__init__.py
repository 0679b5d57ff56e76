"""The ``event`` object of every event the portal's documents name, as the platform's own pages give it."""

from typing import Any

UID = {"union_id": "on_11112222", "user_id": "u1001", "open_id": "ou_33334444"}
CHAT = {
    "chat_id": "oc_ddddeeeeffff",
    "operator_id": UID,
    "external": False,
    "operator_tenant_key": "1a2b3c4d5e6f7081",
}
NAMED_CHAT = CHAT | {"name": "测试群", "i18n_names": {"zh_cn": "测试群", "en_us": "Test", "ja_jp": ""}}
MEMBERS = NAMED_CHAT | {"users": [{"name": "李雷", "tenant_key": "1a2b3c4d5e6f7081", "user_id": UID}]}
PERSON = UID | {
    "name": "李雷",
    "en_name": "Li Lei",
    "email": "lilei@example.com",
    "gender": 1,
    "status": {
        "is_frozen": False,
        "is_resigned": False,
        "is_activated": True,
        "is_exited": False,
        "is_unjoin": False,
    },
    "department_ids": ["od-1"],
    "join_time": 1700000000,
    "employee_type": 1,
    "orders": [{"department_id": "od-1", "user_order": 1, "department_order": 1, "is_primary_dept": True}],
}
DEPARTMENT = {
    "name": "研发部",
    "parent_department_id": "0",
    "department_id": "d1",
    "open_department_id": "od-1",
    "leader_user_id": "ou_33334444",
    "chat_id": "oc_1",
    "order": 10,
    "status": {"is_deleted": False},
    "leaders": [{"leaderType": 1, "leaderID": "ou_33334444"}],
}
MEETING = {
    "meeting": {
        "id": "6911188411934433028",
        "topic": "周会",
        "meeting_no": "235812466",
        "meeting_source": 1,
        "start_time": "1700000000",
        "end_time": "1700003600",
        "host_user": {"id": UID, "user_role": 1, "user_type": 1},
        "owner": {"id": UID, "user_role": 1, "user_type": 1},
    },
    "operator": {"id": UID, "user_role": 1, "user_type": 1},
}

EVENTS: dict[str, dict[str, Any]] = {
    "im.message.receive_v1": {
        "sender": {"sender_id": UID, "sender_type": "user", "tenant_key": "1a2b3c4d5e6f7081"},
        "message": {
            "message_id": "om_aaaabbbbcccc",
            "root_id": "om_r",
            "parent_id": "om_p",
            "create_time": "1700000000123",
            "update_time": "1700000000123",
            "chat_id": "oc_ddddeeeeffff",
            "thread_id": "omt_t1",
            "chat_type": "group",
            "message_type": "text",
            "content": '{"text":"@_user_1 hello"}',
            "mentions": [
                {
                    "key": "@_user_1",
                    "id": {"union_id": "on_5", "user_id": "u5", "open_id": "ou_5"},
                    "mentioned_type": "bot",
                    "name": "Helper",
                    "tenant_key": "1a2b3c4d5e6f7081",
                }
            ],
            "user_agent": "Mozilla/5.0 Lark/7.30.0",
        },
    },
    "im.message.message_read_v1": {
        "reader": {"reader_id": UID, "read_time": "1700000000123", "tenant_key": "1a2b3c4d5e6f7081"},
        "message_id_list": ["om_aaaabbbbcccc"],
    },
    "im.message.updated_v1": {
        "message": {
            "message_id": "om_aaaabbbbcccc",
            "chat_id": "oc_ddddeeeeffff",
            "chat_type": "group",
            "update_time": "1700000000123",
        },
        "operator_id": UID,
    },
    "im.message.recalled_v1": {
        "message_id": "om_aaaabbbbcccc",
        "chat_id": "oc_ddddeeeeffff",
        "recall_time": "1700000000123",
        "recall_type": "message_owner",
    },
    "im.message.reaction.created_v1": {
        "message_id": "om_aaaabbbbcccc",
        "reaction_type": {"emoji_type": "SMILE"},
        "operator_type": "user",
        "user_id": UID,
        "action_time": "1700000000123",
    },
    "im.chat.access_event.bot_p2p_chat_entered_v1": {
        "chat_id": "oc_ddddeeeeffff",
        "operator_id": UID,
        "last_message_id": "om_last",
        "last_message_create_time": "1700000000123",
    },
    "im.chat.member.bot.added_v1": NAMED_CHAT,
    "im.chat.member.bot.deleted_v1": NAMED_CHAT,
    "im.chat.member.user.added_v1": MEMBERS,
    "im.chat.member.user.deleted_v1": MEMBERS,
    "im.chat.member.user.withdrawn_v1": MEMBERS,
    "im.chat.updated_v1": CHAT
    | {
        "before_change": {"name": "旧名"},
        "after_change": {"name": "新名"},
        "moderator_list": {"added_member_list": [], "removed_member_list": []},
    },
    "im.chat.disbanded_v1": NAMED_CHAT,
    "application.bot.menu_v6": {
        "operator": {"operator_name": "李雷", "operator_id": UID},
        "event_key": "help",
        "timestamp": 1700000000,
    },
    "contact.user.created_v3": {"object": PERSON},
    "contact.user.updated_v3": {"object": PERSON, "old_object": {"name": "旧名"}},
    "contact.user.deleted_v3": {
        "object": PERSON,
        "old_object": {"department_ids": ["od-1"], "open_id": "ou_33334444"},
    },
    "contact.department.created_v3": {"object": DEPARTMENT},
    "contact.department.updated_v3": {"object": DEPARTMENT, "old_object": {"name": "旧部门"}},
    "contact.department.deleted_v3": {
        "object": DEPARTMENT | {"status": {"is_deleted": True}},
        "old_object": {"status": {"is_deleted": False}},
    },
    "contact.scope.updated_v3": {"added": {"users": [PERSON]}, "removed": {"departments": [DEPARTMENT]}},
    "approval.approval.updated_v4": {
        "object": {
            "approval_id": "7090754740375519252",
            "approval_code": "11111111-2222-3333-4444-555555555555",
            "version_id": "7090755",
            "widget_group_type": 1,
            "form_definition_id": "1",
            "process_obj": "{}",
            "timestamp": "1700000000",
            "extra": "",
        }
    },
    "calendar.calendar.event.changed_v4": {
        "calendar_id": "feishu.cn_demo@group.calendar.feishu.cn",
        "user_id_list": [UID],
        "calendar_event_id": "demo_0",
        "change_type": "update",
        "rsvp_infos": [{"from_user_id": UID, "rsvp_status": "accept"}],
    },
    "vc.meeting.meeting_started_v1": MEETING,
    "vc.meeting.meeting_ended_v1": MEETING,
    "vc.meeting.all_meeting_started_v1": MEETING,
    "vc.meeting.all_meeting_ended_v1": MEETING,
    "auth.user_access_token.revoked_v4": {"revoke_reason": "user", "user_id": UID},
    "apaas.workspace.record_change_v1": {
        "workspace": "ws",
        "app": "app",
        "table": "orders",
        "type": "UPDATE",
        "operator": "(1001)",
        "before": "{}",
        "after": "{}",
    },
}

OLD_EVENTS: dict[str, dict[str, Any]] = {
    "approval_instance": {
        "approval_code": "11111111-2222-3333-4444-555555555555",
        "instance_code": "66666666-7777-8888-9999-000000000000",
        "status": "APPROVED",
        "operate_time": "1700000000123",
        "instance_operate_time": "1700000000123",
        "uuid": "biz-7",
    },
    "approval_task": {
        "open_id": "ou_33334444",
        "user_id": "u1001",
        "approval_code": "11111111-2222-3333-4444-555555555555",
        "instance_code": "66666666-7777-8888-9999-000000000000",
        "task_id": "1",
        "status": "REVERTED",
        "operate_time": 1700000000123,
        "custom_key": "",
        "def_key": "",
        "extra": "",
    },
    "leave_approval": {"instance_code": "66666666", "user_id": "u1001", "leave_type": "年假"},
    "p2p_chat_create": {
        "chat_id": "oc_ddddeeeeffff",
        "operator": {"open_id": "ou_33334444", "user_id": "u1001"},
        "user": {"name": "李雷", "open_id": "ou_33334444", "user_id": "u1001"},
    },
}
"""Those of schema 1.0."""


CONTENTS: dict[str, tuple[str, Any]] = {
    "forwarded": ("merge_forward", "Merged and Forwarded Message"),
    "empty": ("text", ""),
    "array": ("text", '["/auth"]'),
    "null text": ("text", '{"text":null}'),
    "number": ("text", "17"),
    "red packet": ("hongbao", '{"text": "[红包]"}'),
    "sticker": ("sticker", '{"file_key":"v3_1"}'),
    "cut off": ("post", '{"title":"周报","content":[['),
    "no text at all": ("system", None),
    "object": ("interactive", {"elements": [{"tag": "text"}]}),
}
"""Kinds of messages with a ``content`` that is not what the platform's pages promise: a text that holds a JSON object."""
