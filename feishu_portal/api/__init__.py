"""The REST API, a router a file."""

from typing import Any

from django.conf import settings
from ninja.openapi.schema import OpenAPISchema

from feishu_portal import __version__
from feishu_portal.api.alerts import router as monitoring
from feishu_portal.api.approvals import router as approvals
from feishu_portal.api.auth_sessions import router as auth_sessions
from feishu_portal.api.base import ObjectParser, StableAPI
from feishu_portal.api.batches import router as batches
from feishu_portal.api.bots import router as bots
from feishu_portal.api.card_templates import router as card_templates
from feishu_portal.api.connections import api as long_connections
from feishu_portal.api.description import complete, webhook
from feishu_portal.api.docs_page import PAGE
from feishu_portal.api.events import router as events
from feishu_portal.api.incidents import router as incidents
from feishu_portal.api.keys import ApiKey
from feishu_portal.api.mcp import description as mcp
from feishu_portal.api.messages import router as sending
from feishu_portal.api.people import router as people
from feishu_portal.api.problems import install
from feishu_portal.api.proxy import description as proxy
from feishu_portal.api.streaming import description as streaming
from feishu_portal.api.subscriptions import router as subscriptions
from feishu_portal.api.tokens import router as user_tokens
from feishu_portal.api.users import router as users


class PortalAPI(StableAPI):
    """Its description has the proxy, the webhook and streams, which are no routers, and the routes under ``/api/feishu`` as well."""

    def get_openapi_schema(self, **options: Any) -> OpenAPISchema:
        schema = super().get_openapi_schema(**options)
        others = long_connections.get_openapi_schema(path_prefix="/api/feishu/")
        schema["paths"] |= others["paths"] | webhook.PATHS | proxy.PATHS | mcp.PATHS | streaming.PATHS
        for kind, components in others["components"].items():
            schema["components"].setdefault(kind, {}).update(components)
        schema["components"]["schemas"] |= webhook.SCHEMAS | proxy.SCHEMAS | mcp.SCHEMAS | streaming.SCHEMAS
        complete(schema, server=settings.PUBLIC_URL)
        return schema


api = PortalAPI(
    title="Feishu Portal",
    version=__version__,
    auth=ApiKey(),
    parser=ObjectParser(),
    urls_namespace="api",
    docs=PAGE,
    docs_url="/docs",
    openapi_url="/openapi.json",
)
api.add_router("/bots", bots, tags=["bots"])
api.add_router("/bots", users, tags=["users"])
api.add_router("/bots", user_tokens, tags=["users"])
api.add_router("/users", people, tags=["users"])
# Before the messages, whose addresses have a message's ID where those of batches say "batch".
api.add_router("/bots", batches, tags=["messages"])
api.add_router("/bots", sending, tags=["messages"])
api.add_router("/bots", card_templates, tags=["messages"])
api.add_router("", monitoring, tags=["alerts"])
api.add_router("", incidents, tags=["bots"])
api.add_router("", events, tags=["events"])
api.add_router("", subscriptions, tags=["subscriptions"])
api.add_router("", auth_sessions, tags=["authorization"])
api.add_router("", approvals, tags=["proxy"])
install(api)
