from bots.registration.preset import addons


def test_app_gets_what_the_portal_needs_and_what_the_bot_asks_people_for():
    wanted = addons(["offline_access", "docx:document:readonly"])
    assert wanted.user_scopes == ("offline_access", "docx:document:readonly")
    assert "im:message:send_as_bot" in wanted.tenant_scopes
    assert "im.message.receive_v1" in wanted.tenant_events
    assert wanted.callbacks == ("card.action.trigger",)
    assert wanted.preset
