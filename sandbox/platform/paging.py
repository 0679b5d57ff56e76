"""Lists in pages: `page_size`, `page_token`, `has_more`."""

from typing import Any

from sandbox.platform.api_front import Call, invalid_field


def page(call: Call, items: list[Any], *, most: int = 100) -> dict[str, Any]:
    """The page of a list that the query asks for, as the answer around it. Raises PlatformError 99992402."""
    size, token = call.query.get("page_size", "20"), call.query.get("page_token") or "0"
    if not size.isdecimal() or len(size) > 9 or not 1 <= int(size) <= most:
        raise invalid_field("page_size", f"page_size must be between 1 and {most}")
    if not token.isdecimal() or len(token) > 9:
        raise invalid_field("page_token", "the page_token is invalid")
    end = int(token) + int(size)
    more = end < len(items)
    data = {"items": items[int(token) : end], "has_more": more, "page_token": str(end) if more else ""}
    return {"code": 0, "msg": "success", "data": data}
