from feishu.oauth import UserInfo
from feishu.people import Profile


def test_profile_of_a_contact_answer():
    user = {
        "open_id": "ou_1",
        "union_id": "on_1",
        "name": "王芳",
        "en_name": "Fang Wang",
        "email": "own@example.test",
        "enterprise_email": "fang@company.test",
        "avatar": {"avatar_72": "https://pictures.test/72", "avatar_240": "https://pictures.test/240"},
    }
    assert Profile.of_user(user) == Profile(
        "ou_1", "on_1", "王芳", "Fang Wang", "fang@company.test", "https://pictures.test/72"
    )


def test_what_the_app_may_not_read_or_nobody_can_is_empty():
    assert Profile.of_user({"open_id": "ou_1", "avatar": None, "name": ["?"], "email": 7}) == Profile("ou_1")


def test_profile_of_user_info():
    who = UserInfo(
        "ou_1", "on_1", None, "tenant", "王芳", "Fang", "https://pictures.test/72", "fang@company.test"
    )
    assert Profile.of_user_info(who) == Profile(
        "ou_1", "on_1", "王芳", "Fang", "fang@company.test", "https://pictures.test/72"
    )
