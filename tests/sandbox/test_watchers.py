"""Pages that listen."""

import json

from sandbox.world.watchers import Watchers


async def test_news_reach_every_page() -> None:
    watchers = Watchers()
    pages = [watchers.listen(), watchers.listen()]
    for page in pages:
        assert await anext(page) == b": hello\n\n"
    watchers.tell("message", text="hi")
    for page in pages:
        assert json.loads((await anext(page))[6:]) == {"kind": "message", "text": "hi"}
        await page.aclose()


async def test_page_that_falls_behind_is_told_to_load_again() -> None:
    watchers = Watchers()
    page = watchers.listen()
    await anext(page)
    for number in range(501):
        watchers.tell("call", number=number)
    assert await anext(page) == b'data: {"kind":"reload"}\n\n'
    watchers.tell("call", number=501)
    assert json.loads((await anext(page))[6:])["number"] == 501
    await page.aclose()


async def test_close_ends_every_page() -> None:
    watchers = Watchers()
    page = watchers.listen()
    await anext(page)
    watchers.close()
    assert [line async for line in page] == []
