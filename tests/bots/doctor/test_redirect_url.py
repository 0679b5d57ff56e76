import pytest

from bots.doctor.findings import Check
from bots.enums import CheckResult
from tests.bots.doctor.patient import app_of, look

pytestmark = pytest.mark.django_db

PATH = "/oauth/callback/{app_id}"


@pytest.mark.parametrize(
    ("registered", "differs"),
    [
        (f"https://portal.example.com{PATH}", "the slash at the end"),
        (f"http://portal.example.com{PATH}/", "http or https"),
        (f"https://other.example.com{PATH}/", "host or port"),
        (f"https://portal.example.com:8443{PATH}/", "host or port"),
        (f"http://portal.example.com{PATH}", "http or https, the slash at the end"),
        (f"https://portal.example.com{PATH.replace('oauth', 'OAuth')}/", "upper and lower case of the path"),
        (f"https://portal.example.com{PATH}/?a=1", "the query"),
        (f" https://portal.example.com{PATH}/", "blanks"),
    ],
)
def test_nearly_right_redirect_url_is_named_with_the_difference(bot, platform, registered, differs):
    url = registered.format(app_id=bot.app_id)
    far = ["https://elsewhere.test/", "https://[broken/", f"http://a.test{PATH.format(app_id=bot.app_id)}?x"]
    platform.application.respond(json=app_of(bot, redirect_urls=[*far, url]))
    finding = look(bot)[Check.REDIRECT_URL]
    assert finding.result is CheckResult.WRONG
    assert finding.cause.en_us.endswith(f"; {url} is registered and differs in: {differs}")
    assert finding.cure.en_us.endswith(bot.redirect_uri)


@pytest.mark.parametrize("urls", [[], ["https://elsewhere.test/"]])
def test_missing_redirect_url_is_wrong_and_given_to_copy(bot, platform, urls):
    platform.application.respond(json=app_of(bot, redirect_urls=urls))
    finding = look(bot)[Check.REDIRECT_URL]
    assert finding.result is CheckResult.WRONG
    assert finding.cause.en_us == f"{bot.redirect_uri} is not registered, so users get error 20029"
    assert finding.cure.zh_cn.endswith(bot.redirect_uri)


def test_one_of_several_redirect_urls_will_do(bot, platform):
    platform.application.respond(json=app_of(bot, redirect_urls=["https://a.test/", bot.redirect_uri]))
    assert look(bot)[Check.REDIRECT_URL].result is CheckResult.OK
