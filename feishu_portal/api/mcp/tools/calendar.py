"""Events of a calendar."""

from typing import Annotated, Any, Final, Self

from pydantic import Field, model_validator

from feishu.text import Text
from feishu_portal.api.mcp.acting import Acting
from feishu_portal.api.mcp.registry import Arguments, Effect, tool
from feishu_portal.api.mcp.tools.values import Id, Moment, PageToken, seconds

LIST: Final = "GET /open-apis/calendar/v4/calendars/{calendar_id}/events"
CREATE: Final = "POST /open-apis/calendar/v4/calendars/{calendar_id}/events"

CalendarId = Annotated[Id, Field(description="primary is the person's, or the bot's, own calendar")]


class ListEvents(Arguments):
    since: Moment
    until: Moment
    calendar_id: CalendarId = "primary"
    page_size: Annotated[int, Field(ge=50, le=500)] = 50
    page_token: PageToken = None


@tool(ListEvents, title=Text("列出日程", "List calendar events"), apis=(LIST,))
async def list_events(acting: Acting, wanted: ListEvents) -> Any:
    """Events of a calendar between two times."""
    return await acting.platform(
        LIST,
        path={"calendar_id": wanted.calendar_id},
        query={
            "start_time": seconds(wanted.since),
            "end_time": seconds(wanted.until),
            "page_size": wanted.page_size,
            "page_token": wanted.page_token,
        },
    )


class CreateEvent(Arguments):
    summary: Annotated[str, Field(min_length=1, max_length=1000)]
    start: Moment
    end: Moment
    description: Annotated[str | None, Field(max_length=40_960)] = None
    location: Annotated[str | None, Field(max_length=512)] = None
    time_zone: Annotated[str, Field(max_length=64, description="IANA name")] = "Asia/Shanghai"
    calendar_id: CalendarId = "primary"

    @model_validator(mode="after")
    def _ends_after_it_starts(self) -> Self:
        if self.end <= self.start:
            raise ValueError("end is not after start.")
        return self


@tool(CreateEvent, title=Text("创建日程", "Create a calendar event"), effect=Effect.ADDS, apis=(CREATE,))
async def create_event(acting: Acting, wanted: CreateEvent) -> Any:
    """Creates an event in a calendar. Attendees are invited by call, POST …/events/{event_id}/attendees."""
    event: dict[str, Any] = {
        "summary": wanted.summary,
        "start_time": {"timestamp": seconds(wanted.start), "timezone": wanted.time_zone},
        "end_time": {"timestamp": seconds(wanted.end), "timezone": wanted.time_zone},
    }
    if wanted.description is not None:
        event["description"] = wanted.description
    if wanted.location is not None:
        event["location"] = {"name": wanted.location}
    return await acting.platform(CREATE, path={"calendar_id": wanted.calendar_id}, body=event)
