import subprocess
import sys

import pytest

from feishu.credentials import AppCredentials
from feishu.platforms import Platform
from feishu.sdk import api_client, typed_event

pytestmark = pytest.mark.usefixtures("sdk")


def envelope(event_type: str, event: object) -> dict[str, object]:
    return {"schema": "2.0", "header": {"event_id": "e1", "event_type": event_type}, "event": event}


def test_a_message_becomes_the_sdks_own_model(sdk):
    event = typed_event(
        "im.message.receive_v1", envelope("im.message.receive_v1", {"message": {"message_id": "om_1"}})
    )
    assert type(event).__name__ == "P2ImMessageReceiveV1"
    assert (event.header.event_id, event.event.message.message_id) == ("e1", "om_1")


def test_a_card_click_becomes_the_sdks_own_model():
    click = {"token": "c-1", "action": {"value": {"op": "go"}}}
    event = typed_event("card.action.trigger", envelope("card.action.trigger", click))
    assert type(event).__name__ == "P2CardActionTrigger"
    assert event.event.action.value == {"op": "go"}


@pytest.mark.parametrize("event_type", ["brand.new_v9", "customized_event", "", "é"])
def test_an_unknown_type_becomes_a_general_event(event_type):
    event = typed_event(event_type, envelope(event_type, {"a": 1}))
    assert type(event).__name__ == "CustomizedEvent"
    assert event.event == {"a": 1}


def test_a_schema_1_event_becomes_a_general_event():
    event = typed_event("approval_instance", {"uuid": "u", "event": {"type": "approval_instance"}})
    assert event.event == {"type": "approval_instance"}


def test_the_api_client_talks_to_the_apps_own_platform():
    platform = Platform("http://127.0.0.1:9800", "http://127.0.0.1:9801")
    client = api_client(AppCredentials("cli_a", "s3cr3t", platform))
    assert (client.config.app_id, client.config.domain) == ("cli_a", "http://127.0.0.1:9800")
    assert client.im.v1.message is not None


@pytest.mark.processes
def test_nothing_imports_the_sdk_before_it_is_asked_for():
    script = (
        "import sys, feishu.sdk, feishu.openapi, feishu.oauth, feishu.device_code, feishu.cards, feishu.envelope\n"
        "import feishu.encryption, feishu.signatures, feishu.long_connection.connection\n"
        "assert 'lark_oapi' not in sys.modules and 'django' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", script], check=True, timeout=60)
