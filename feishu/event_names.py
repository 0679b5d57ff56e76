"""What the platform calls its events and callbacks, as in the lists of the developer console. Pure.

Page "Event list" in both languages; a type that is not here is shown as it is written.
"""

from typing import Final

from feishu.text import Text

_NAMES: Final = {
    # Messages and groups
    "im.message.receive_v1": Text("接收消息", "Message received"),
    "im.message.message_read_v1": Text("消息已读", "Message read"),
    "im.message.recalled_v1": Text("撤回消息", "Message recalled"),
    "im.message.updated_v1": Text("编辑消息", "Message edited"),
    "im.message.reaction.created_v1": Text("新增消息表情回复", "Reaction added"),
    "im.message.reaction.deleted_v1": Text("删除消息表情回复", "Reaction removed"),
    "im.message.urgent_v1": Text("消息加急", "Message buzzed"),
    "im.chat.access_event.bot_p2p_chat_entered_v1": Text(
        "用户进入与机器人的会话", "Person opened the bot's chat"
    ),
    "im.chat.member.bot.added_v1": Text("机器人进群", "Bot added to a group"),
    "im.chat.member.bot.deleted_v1": Text("机器人被移出群", "Bot removed from a group"),
    "im.chat.member.user.added_v1": Text("用户进群", "Member joined a group"),
    "im.chat.member.user.deleted_v1": Text("用户出群", "Member left a group"),
    "im.chat.member.user.withdrawn_v1": Text("撤销拉用户进群", "Invitation to a group withdrawn"),
    "im.chat.updated_v1": Text("群配置修改", "Group settings changed"),
    "im.chat.disbanded_v1": Text("解散群", "Group disbanded"),
    "p2p_chat_create": Text("用户和机器人的会话首次被创建", "First chat with the bot"),
    "application.bot.menu_v6": Text("机器人自定义菜单", "Bot menu clicked"),
    # Callbacks
    "card.action.trigger": Text("卡片回传交互", "Card clicked"),
    "card.action.trigger_v1": Text("卡片回传交互（旧版）", "Card clicked (old version)"),
    "url.preview.get": Text("拉取链接预览数据", "Link preview requested"),
    "profile.view.get": Text("拉取个人资料数据", "Profile requested"),
    # Contacts
    "contact.user.created_v3": Text("员工入职", "Employee joined"),
    "contact.user.updated_v3": Text("员工信息变更", "Employee changed"),
    "contact.user.deleted_v3": Text("员工离职", "Employee left"),
    "contact.department.created_v3": Text("新建部门", "Department created"),
    "contact.department.updated_v3": Text("修改部门", "Department changed"),
    "contact.department.deleted_v3": Text("删除部门", "Department deleted"),
    "contact.scope.updated_v3": Text("通讯录权限范围变更", "Contacts scope changed"),
    "contact.custom_attr_event.updated_v3": Text("成员字段变更", "Custom contact fields changed"),
    "contact.employee_type_enum.created_v3": Text("新建人员类型", "Employee type created"),
    "contact.employee_type_enum.updated_v3": Text("修改人员类型名称", "Employee type renamed"),
    "contact.employee_type_enum.actived_v3": Text("启用人员类型", "Employee type enabled"),
    "contact.employee_type_enum.deactivated_v3": Text("停用人员类型", "Employee type disabled"),
    "contact.employee_type_enum.deleted_v3": Text("删除人员类型", "Employee type deleted"),
    # The app itself
    "auth.user_access_token.revoked_v4": Text("用户授权被撤销", "Authorization revoked"),
    "application.application.created_v6": Text("创建企业自建应用", "Custom app created"),
    "application.application.app_version.audit_v6": Text("应用审核", "App version reviewed"),
    "application.application.app_version.publish_apply_v6": Text("申请发布应用", "App release requested"),
    "application.application.app_version.publish_revoke_v6": Text(
        "撤回应用发布申请", "App release withdrawn"
    ),
    "application.application.visibility.added_v6": Text("应用可用范围扩大", "App availability extended"),
    "application.application.feedback.created_v6": Text("新增应用反馈", "App feedback received"),
    "application.application.feedback.updated_v6": Text("应用反馈更新", "App feedback updated"),
    "app_ticket": Text("app_ticket 事件", "App ticket"),
    "app_open": Text("首次启用应用", "App first enabled"),
    "app_status_change": Text("应用停用或启用", "App enabled or disabled"),
    "app_uninstalled": Text("应用卸载", "App uninstalled"),
    # Approval
    "approval.approval.updated_v4": Text("审批定义更新", "Approval definition changed"),
    "approval_instance": Text("审批实例状态变更", "Approval status changed"),
    "approval_task": Text("审批任务状态变更", "Approval task status changed"),
    "approval_cc": Text("审批抄送状态变更", "Approval cc status changed"),
    "leave_approvalV2": Text("请假审批", "Leave approved"),
    "work_approval": Text("加班审批", "Overtime approved"),
    "shift_approval": Text("换班审批", "Shift change approved"),
    "remedy_approval": Text("补卡审批", "Attendance correction approved"),
    "trip_approval": Text("出差审批", "Business trip approved"),
    "out_approval": Text("外出审批", "Outing approved"),
    # Calendar, meetings, tasks
    "calendar.calendar.changed_v4": Text("日历变更", "Calendar changed"),
    "calendar.calendar.event.changed_v4": Text("日程变更", "Calendar event changed"),
    "calendar.calendar.acl.created_v4": Text("新增日历访问控制", "Calendar access granted"),
    "calendar.calendar.acl.deleted_v4": Text("移除日历访问控制", "Calendar access removed"),
    "vc.meeting.meeting_started_v1": Text("会议开始", "Meeting started"),
    "vc.meeting.meeting_ended_v1": Text("会议结束", "Meeting ended"),
    "vc.meeting.join_meeting_v1": Text("加入会议", "Meeting joined"),
    "vc.meeting.leave_meeting_v1": Text("离开会议", "Meeting left"),
    "vc.meeting.all_meeting_started_v1": Text("企业会议开始", "Meeting of the company started"),
    "vc.meeting.all_meeting_ended_v1": Text("企业会议结束", "Meeting of the company ended"),
    "vc.meeting.recording_started_v1": Text("会议开始录制", "Recording started"),
    "vc.meeting.recording_ended_v1": Text("会议结束录制", "Recording ended"),
    "vc.meeting.recording_ready_v1": Text("会议录制完成", "Recording ready"),
    "vc.meeting.share_started_v1": Text("屏幕共享开始", "Screen sharing started"),
    "vc.meeting.share_ended_v1": Text("屏幕共享结束", "Screen sharing ended"),
    "task.task.updated_v1": Text("任务信息变更", "Task changed"),
    "task.task.update_tenant_v1": Text("企业任务信息变更", "Task of the company changed"),
    "task.task.comment.updated_v1": Text("任务评论信息变更", "Task comment changed"),
    # Documents
    "drive.file.edit_v1": Text("文件编辑", "File edited"),
    "drive.file.read_v1": Text("文件已读", "File read"),
    "drive.file.title_updated_v1": Text("文件标题变更", "File renamed"),
    "drive.file.created_in_folder_v1": Text("文件夹下文件创建", "File created in a folder"),
    "drive.file.trashed_v1": Text("文件删除到回收站", "File moved to the recycle bin"),
    "drive.file.deleted_v1": Text("文件彻底删除", "File deleted"),
    "drive.file.permission_member_added_v1": Text("文件协作者添加", "Collaborator added"),
    "drive.file.permission_member_removed_v1": Text("文件协作者移除", "Collaborator removed"),
    "drive.file.permission_member_applied_v1": Text("文件协作者申请", "Access to a file requested"),
    "drive.file.bitable_field_changed_v1": Text("多维表格字段变更", "Base field changed"),
    "drive.file.bitable_record_changed_v1": Text("多维表格记录变更", "Base record changed"),
    # Others
    "mail.user_mailbox.event.message_received_v1": Text("接收邮件", "Mail received"),
    "helpdesk.ticket.created_v1": Text("创建工单", "Ticket created"),
    "helpdesk.ticket.updated_v1": Text("工单更新", "Ticket updated"),
    "helpdesk.ticket_message.created_v1": Text("工单新消息", "Ticket message received"),
    "attendance.user_flow.created_v1": Text("打卡流水", "Attendance record created"),
    "attendance.user_task.updated_v1": Text("用户任务状态变更", "Attendance task changed"),
    "meeting_room.meeting_room.created_v1": Text("创建会议室", "Meeting room created"),
    "meeting_room.meeting_room.updated_v1": Text("修改会议室", "Meeting room changed"),
    "meeting_room.meeting_room.deleted_v1": Text("删除会议室", "Meeting room deleted"),
    "meeting_room.meeting_room.status_changed_v1": Text("会议室状态变更", "Meeting room status changed"),
    "apaas.workspace.record_change_v1": Text("aPaaS 数据表记录变更", "aPaaS record changed"),
}


def name_of(event_type: str) -> Text | None:
    """The name of an event's or callback's type; None for one that has none here."""
    return _NAMES.get(event_type)
