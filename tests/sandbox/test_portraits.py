import zlib

from feishu.pictures import media_type
from sandbox.world.portraits import SIZE, portrait
from tests.sandbox.conftest import Platform


def test_portrait_is_a_png_of_its_size() -> None:
    picture = portrait("王芳")
    assert media_type(picture) == "image/png"
    assert [int.from_bytes(picture[at : at + 4]) for at in (16, 20)] == [SIZE, SIZE]
    length = int.from_bytes(picture[33:37])
    assert len(zlib.decompress(picture[41 : 41 + length])) == SIZE * (1 + 3 * SIZE)
    assert len(picture) < 10_000


def test_portrait_is_the_same_for_the_same_name_alone() -> None:
    portrait.cache_clear()
    first = portrait("李雷")
    portrait.cache_clear()
    assert portrait("李雷") == first != portrait("韩梅梅")


async def test_contact_answer_names_the_portrait_of_a_person(platform: Platform) -> None:
    answer = await platform.api("GET", "contact/v3/users/batch", params={"user_ids": platform.open_id()})
    [person] = answer.json()["data"]["items"]
    picture = await platform.http.get(person["avatar"]["avatar_72"])
    assert (picture.headers["content-type"], picture.content) == ("image/png", portrait(person["name"]))
