"""Greetings, and which chats have got them."""

from feishu_portal.greetings.models.greetings import MAX_PAUSE, Greeted, Greeting

__all__ = ["MAX_PAUSE", "Greeted", "Greeting"]
