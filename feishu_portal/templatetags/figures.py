"""The panel of events over time."""

from typing import Any

from django import template
from django.utils.safestring import SafeString

register = template.Library()


@register.simple_tag(takes_context=True)
def event_figures(context: template.Context, bot: Any = None) -> SafeString:
    """Of one bot, or of all that the operator sees."""
    from feishu_portal.overview import figures  # noqa: PLC0415 -- tags are loaded before there is any admin

    return figures.panel(context["request"], bot)
