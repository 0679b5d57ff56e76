import json

import pytest

from feishu import callbacks
from feishu.callbacks import callback_types, expect, is_callback
from feishu.envelope import parse


@pytest.mark.parametrize(
    ("event_type", "waits"),
    [
        ("card.action.trigger", True),
        ("card.action.trigger_v1", True),
        ("url.preview.get", True),
        ("profile.view.get", True),
        ("brand.new.get", True),
        ("im.message.receive_v1", False),
        ("approval_instance", False),
        ("", False),
    ],
)
def test_callback_is_told_from_event_by_its_type(event_type, waits):
    assert is_callback(event_type) is waits


@pytest.fixture
def own_types(monkeypatch):
    monkeypatch.setattr(callbacks, "_types", set(callbacks._types))


@pytest.mark.usefixtures("own_types")
def test_further_types_can_be_named():
    payload = {"schema": "2.0", "header": {"event_type": "card.form.trigger", "event_id": "e"}, "event": {}}
    old = {"uuid": "u", "event": {"type": "card.form.trigger"}}
    bodies = [json.dumps(one).encode() for one in (payload, old)]
    assert [parse(body).is_callback for body in bodies] == [False, False]
    expect(["card.form.trigger"])
    assert "card.form.trigger" in callback_types()
    assert [parse(body).is_callback for body in bodies] == [True, True]
