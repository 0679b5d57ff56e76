"""Asks the platform, as each person who allowed it, who they are. 以每位已授权用户的身份调用飞书。

Needs the address of the portal, the App ID of the bot, and an API key with the scope proxy:user in PORTAL_KEY.
"""

import json
import os
import sys
from urllib.request import Request, urlopen

portal, app_id = sys.argv[1:]


def call(path):
    request = Request(portal + path, headers={"Authorization": f"Bearer {os.environ['PORTAL_KEY']}"})
    with urlopen(request, timeout=30) as answer:
        return json.load(answer)


for person in call(f"/api/v1/bots/{app_id}/users")["items"]:
    # The portal adds the person's token and keeps it fresh; this program never sees it.
    answer = call(f"/proxy/{app_id}/users/{person['open_id']}/open-apis/authen/v1/user_info")
    print(person["open_id"], answer["data"]["name"])
