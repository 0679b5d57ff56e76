"""Asking for the gateway's address without dialling it: would a long connection be let in?

The ticket in the answer is dropped and lapses by itself, so asking takes no connection away from anybody.
"""

from feishu.credentials import AppCredentials
from feishu.errors import ConnectError
from feishu.long_connection import discovery
from feishu.transport import Transport, default_transport


def probe(credentials: AppCredentials, transport: Transport | None = None) -> discovery.Endpoint:
    """Where the app would have to dial. Raises ConnectError, MalformedAnswer or TransportError."""
    question = discovery.request(credentials)
    raw = (transport or default_transport(credentials.route)).exchange(
        "POST", question.url, headers=question.headers, json=question.body
    )
    try:
        return discovery.parse_answer(raw.status, raw.content)
    except ConnectError as error:
        error.log_id = raw.headers.get("x-tt-logid", "")
        raise
