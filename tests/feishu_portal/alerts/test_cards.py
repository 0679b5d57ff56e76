import json

import pytest
from django.utils import timezone

from bots.models import Bot
from feishu.card_rules import check
from feishu.cards import MAX_BYTES
from feishu.text import Text
from feishu_portal.alerts.cards import MAX_SHOWN, group_card
from feishu_portal.alerts.enums import GroupState
from feishu_portal.alerts.handlers import MAX_SAID
from feishu_portal.alerts.models import AlertGroup, AlertReceiver
from tests.feishu_portal.alerts.messages import alert, buttons_in, message, read, texts_in

EVIL = "<at id=all></at> [x](https://evil.test) **b** `c` \n# d ![i](u) https://evil.test www.evil.test"


def group_of(*alerts, address="http://alertmanager.example.com:9093", **values) -> AlertGroup:
    """A group that is not in the database."""
    notification = read(message(*alerts, **values.pop("message", {})))
    receiver = AlertReceiver(bot=Bot(), name="Duty", chat_id="oc_duty", alertmanager_url=address)
    facts = {
        "pk": 7,
        "title": notification.title,
        "content": notification.content,
        "firing": notification.firing,
    }
    return AlertGroup(receiver=receiver, bot=receiver.bot, **(facts | values))


def card_of(*alerts, **values):
    card = group_card(group_of(*alerts, **values))
    check(card)  # as the platform would
    return card


def test_card_speaks_both_languages() -> None:
    card = card_of()
    assert card["header"]["title"]["i18n_content"] == {
        "zh_cn": "告警：NobodyWorks",
        "en_us": "Alert: NobodyWorks",
    }
    said = json.dumps(card, ensure_ascii=False)
    assert "没有工作进程" in said
    assert "Nobody works" in said
    assert set(buttons_in(card)) == {
        "Acknowledge", "Silence 1 h", "Silence 4 h", "Silence 1 day", "Graph", "Alertmanager",
    }  # fmt: skip


def test_rule_with_labels_alone_is_shown() -> None:
    card = card_of(alert(labels={"alertname": "InstanceDown", "instance": "web-1"}, annotations={}))
    assert any("InstanceDown" in text for text in texts_in(card["body"]))


def test_foreign_text_stays_text() -> None:
    labels = {"alertname": EVIL, "evil": EVIL}
    annotations = {"summary": EVIL, "description": f"{EVIL}\n{EVIL}", "summary_zh": EVIL}
    group = group_of(
        alert(labels=labels, annotations=annotations),
        acknowledged_at=timezone.now(),
        acknowledged_by=f"operator:{EVIL}",
        silenced_until=timezone.now(),
        silenced_by='user:ou_"></at>' + EVIL,
    )
    for text in texts_in(group_card(group)["body"]):
        assert "<at" not in text
        assert "](" not in text
        assert "`c`" not in text
        assert "https://evil.test" not in text


@pytest.mark.parametrize(
    "address",
    ["javascript:alert(1)", "ftp://a.test/x", "https://", "//a.test", "https://a.test/ x", "https://[", "x"],
)
def test_links_lead_to_web_pages_alone(address) -> None:
    one = alert(generatorURL=address, annotations={"runbook_url": address})
    assert not {"Runbook", "Graph", "Alertmanager"} & set(
        buttons_in(card_of(one, message={"externalURL": address}))
    )


def test_runbook_and_graph_are_buttons() -> None:
    address = "https://runbooks.example.com/x?a=(b)"
    buttons = buttons_in(card_of(alert(annotations={"runbook_url": address})))
    assert buttons["Runbook"]["behaviors"] == [{"type": "open_url", "default_url": address}]
    assert "Graph" in buttons


def test_many_alerts_are_cut_and_counted() -> None:
    many = [alert(labels={"alertname": "Down", "instance": f"web-{number}"}) for number in range(200)]
    card = card_of(*many, message={"groupLabels": {"alertname": "Down"}})
    said = json.dumps(card, ensure_ascii=False)
    assert f"… and {200 - MAX_SHOWN} more" in said
    assert f"以及另外 {200 - MAX_SHOWN} 条" in said
    assert "(200)" in said


@pytest.mark.parametrize("text", ["x", "字", "&", '"', "\\", "\n", "😀"])
def test_no_message_makes_a_card_too_large(text) -> None:
    long = text * 3000
    labels = {"alertname": long} | {f"{number}{text * 90}": long for number in range(40)}
    annotations = dict.fromkeys(("summary", "summary_zh", "description", "description_zh", "message"), long)
    many = [
        alert(
            labels=labels | {"instance": str(number)},
            annotations=annotations,
            generatorURL=f"https://a.test/{'x' * 990}",
        )
        for number in range(60)
    ]
    common = {"groupLabels": labels, "commonLabels": labels}
    for body in (message(many[0], **common), message(*many, **common), message(*many, commonLabels={})):
        group = group_of(
            *body["alerts"],
            message={"groupLabels": body["groupLabels"], "commonLabels": body["commonLabels"]},
        )
        said = Text(long[:MAX_SAID], long[:MAX_SAID])
        assert len(json.dumps(group_card(group, note=said), ensure_ascii=False).encode()) < MAX_BYTES


def test_resolved_card_is_green_and_asks_nothing() -> None:
    card = card_of(alert(resolved=True), state=GroupState.RESOLVED, firing=0, message={"status": "resolved"})
    assert card["header"]["template"] == "green"
    assert "Resolved" in card["header"]["title"]["content"]
    assert set(buttons_in(card)) == {"Graph", "Alertmanager"}


def test_acknowledged_card_says_who_and_asks_no_more() -> None:
    card = card_of(acknowledged_at=timezone.now(), acknowledged_by="user:ou_abc")
    assert "Acknowledge" not in buttons_in(card)
    assert any("<at id=ou_abc></at>" in text for text in texts_in(card))
    assert card["header"]["template"] == "turquoise"


def test_without_an_alertmanager_or_labels_in_common_nothing_can_be_silenced() -> None:
    assert not [name for name in buttons_in(card_of(address="")) if "Silence" in name]
    nothing = {"groupLabels": {}, "commonLabels": {}}
    assert not [name for name in buttons_in(card_of(message=nothing)) if "Silence" in name]


@pytest.mark.parametrize(
    ("severity", "colour"),
    [
        ("critical", "red"),
        ("Page", "red"),
        ("warning", "orange"),
        ("info", "blue"),
        ("", "orange"),
        ("P3", "orange"),
    ],
)
def test_colour_is_that_of_the_worst_alert(severity, colour) -> None:
    mild = alert(labels={"alertname": "A", "severity": "info"})
    assert (
        card_of(mild, alert(labels={"alertname": "B", "severity": severity}))["header"]["template"] == colour
    )


def test_an_end_that_nobody_set_is_not_shown() -> None:
    card = card_of(
        alert(resolved=True, endsAt="0001-01-01T00:00:00Z"),
        state=GroupState.RESOLVED,
        message={"status": "resolved"},
    )
    assert "0001" not in json.dumps(card)
