"""Alerts from a real Alertmanager to a card in the chat and back, with no process of the portal's but the web: an alert that no
worker works must not need one."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import httpx2
import pytest

from tests.processes.test_webhook import KEY, TOKEN, app_token, click, shown_card, subscribe
from tests.services.alertmanager import Alertmanager
from tests.services.platform import APP_ID
from tests.services.ports import free_port
from tests.services.processes import PATIENCE

# Which database it is makes no difference to these.
pytestmark = [pytest.mark.processes, pytest.mark.only_on("postgres")]

LABELS = {"alertname": "NobodyWorks", "severity": "critical"}
ADD = """
import json
from feishu_portal.alerts.models import AlertReceiver
from bots.models import Bot
from core.access.actors import SYSTEM
from core.access.api_keys import add_api_client
from core.access.scopes import Scope
bot = Bot.objects.get()
receiver = AlertReceiver.objects.create(bot=bot, name="Duty", chat_id="{chat}", alertmanager_url="{url}")
_client, key = add_api_client(name="am", scopes=[Scope.ALERTS_SEND], bots=[bot], expires_at=None, actor=SYSTEM)
with open("{path}", "w") as file:
    json.dump([str(receiver.pk), key], file)
"""


@pytest.fixture
def alertmanager() -> Iterator[Alertmanager]:
    server = Alertmanager()
    yield server
    server.stop()


def cards_in(sandbox, chat_id: str) -> list[str]:
    """Message ids of the cards in the chat."""
    with httpx2.Client(base_url=sandbox.url, timeout=PATIENCE) as http:
        answer = http.get(
            "/open-apis/im/v1/messages",
            params={"container_id_type": "chat", "container_id": chat_id},
            headers=app_token(http),
        )
    items = answer.json()["data"]["items"]
    return [item["message_id"] for item in items if item["msg_type"] == "interactive"]


def test_alert_is_shown_acknowledged_silenced_and_resolved_while_nobody_works(
    alertmanager, sandbox, addbot, managed_process, environment, rows, tmp_path
):
    sandbox.settings(ack_deadline=60)  # the test is about the way, not about times
    managed_process.secrets |= {KEY, TOKEN}
    (tmp_path / "key").write_text(KEY)
    (tmp_path / "token").write_text(TOKEN)
    secrets = (
        "--encrypt-key-file",
        str(tmp_path / "key"),
        "--verification-token-file",
        str(tmp_path / "token"),
    )
    addbot(APP_ID, "--transport", "webhook", *secrets)
    chat_id = sandbox.say("hello")["chat_id"]
    made, port = tmp_path / "made", free_port()
    values = environment | {"FEISHU_DELIVERY_NETWORKS": "127.0.0.0/8"}
    code = ADD.format(chat=chat_id, url=alertmanager.url, path=made)
    managed_process("manage.py", "shell", "-c", code, environment=values).wait_for_exit()
    receiver, key = json.loads(made.read_text())
    managed_process.secrets.add(key)
    web = managed_process(
        "-m", "uvicorn", "feishu_portal.asgi:application", "--port", str(port), environment=values
    )
    web.wait_for_port(port)
    subscribe(sandbox, f"http://127.0.0.1:{port}/api/feishu/webhook/{APP_ID}")
    alertmanager.start(receiver=f"http://127.0.0.1:{port}/api/v1/alertmanager/{receiver}", key=key)

    began_at = datetime.now(UTC)
    alertmanager.tell(LABELS, starts_at=began_at)
    [card] = web.wait_until(lambda: cards_in(sandbox, chat_id), what="the card")
    assert "Alert: NobodyWorks" in shown_card(sandbox, card)

    def shown_after(button: str, words: str) -> bool:
        """Clicked again where it came too late to be answered: workers would do that."""
        if words not in shown_card(sandbox, card):
            click(sandbox, card, button)
        return words in shown_card(sandbox, card)

    web.wait_until(lambda: shown_after("acknowledge", "Acknowledged by"), what="the acknowledgement")
    web.wait_until(lambda: shown_after("silence_1", "Silenced by"), what="the silence")
    silences = alertmanager.silences()
    assert {matcher["value"] for silence in silences for matcher in silence["matchers"]} == {"NobodyWorks"}
    alertmanager.end(silences)

    alertmanager.tell(LABELS, starts_at=began_at, ends_at=began_at + timedelta(milliseconds=1))
    web.wait_until(lambda: "Resolved: NobodyWorks" in shown_card(sandbox, card), what="the end")
    assert cards_in(sandbox, chat_id) == [card]
    assert rows.all("SELECT state, acknowledged_by <> '', messages FROM alerts_alertgroup") == [
        ("resolved", True, 1)
    ]
