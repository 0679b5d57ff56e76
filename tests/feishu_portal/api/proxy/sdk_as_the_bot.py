"""A program of somebody else's: the official SDK, unmodified. Arguments: domain, App ID, App Secret."""

# ruff: noqa: TID253 - nothing imports this program; it exists to run the SDK.

import sys

import lark_oapi as lark

domain, app_id, app_secret = sys.argv[1:]
client = lark.Client.builder().app_id(app_id).app_secret(app_secret).build()
client._config.domain = domain  # the builder takes a domain without a path alone
request = (
    lark.BaseRequest.builder()
    .http_method(lark.HttpMethod.GET)
    .uri("/open-apis/im/v1/chats")
    .token_types({lark.AccessTokenType.TENANT})
    .build()
)
response = client.request(request)
sys.stdout.write(response.raw.content.decode())
