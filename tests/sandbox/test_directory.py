"""Small APIs about bots, apps, people and connections."""

from sandbox.world import ids
from tests.sandbox.conftest import OTHER_APP_ID, Platform


async def test_bot_info_is_outside_of_data(platform: Platform) -> None:
    body = (await platform.api("GET", "bot/v3/info")).json()
    assert body["bot"]["activate_status"] == 2
    assert body["bot"]["open_id"] == ids.bot_open_id(platform.app_id)
    assert "data" not in body


async def test_application_tells_redirect_urls_and_scopes_of_itself_alone(platform: Platform) -> None:
    body = (await platform.api("GET", "application/v6/applications/me", params={"lang": "en_us"})).json()
    app = body["data"]["app"]
    assert app["redirect_urls"] == ["https://portal.example.test/oauth/callback"]
    assert app["online_version_id"].startswith("oav_")
    assert (app["unaudit_version_id"], app["allow_refresh_token"]) == ("", True)
    assert "offline_access" in [scope["scope"] for scope in app["scopes"]]
    other = await platform.api("GET", f"application/v6/applications/{OTHER_APP_ID}")
    assert other.json()["code"] == 210504


async def test_people_have_another_open_id_in_every_app(platform: Platform) -> None:
    mine, others = platform.open_id(), ids.open_id(OTHER_APP_ID, "lilei")
    assert mine != others
    user = (await platform.api("GET", f"contact/v3/users/{mine}")).json()["data"]["user"]
    assert (user["name"], user["union_id"]) == ("李雷", ids.union_id("lilei"))
    assert (await platform.api("GET", f"contact/v3/users/{others}")).json()["code"] == 99992361
    assert (await platform.api("GET", "contact/v3/users/ou_nobody")).json()["code"] == 99992351


async def test_user_id_and_mail_are_shown_only_with_their_scopes(platform: Platform) -> None:
    path = f"contact/v3/users/{platform.open_id()}"
    assert (await platform.api("GET", path)).json()["data"]["user"]["user_id"] == "lilei"
    await platform.put_app(scopes=["contact:contact.base:readonly"])
    user = (await platform.api("GET", path)).json()["data"]["user"]
    assert {"user_id", "email"} & set(user) == set()


async def test_app_has_an_owner_and_tells_of_its_callbacks(platform: Platform) -> None:
    app = (await platform.api("GET", "application/v6/applications/me")).json()["data"]["app"]
    assert app["creator_id"] == app["owner"]["owner_id"] == platform.open_id("lilei")
    assert app["callback_info"] == {
        "callback_type": "websocket",
        "request_url": "",
        "subscribed_callbacks": ["card.action.trigger"],
    }
    await platform.put_app(owner="wangfang", callback_info="null")
    app = (await platform.api("GET", "application/v6/applications/me")).json()["data"]["app"]
    assert (app["owner"]["owner_id"], app["callback_info"]) == (platform.open_id("wangfang"), None)
    await platform.put_app(callback_info="absent")
    app = (await platform.api("GET", "application/v6/applications/me")).json()["data"]["app"]
    assert "callback_info" not in app
