import pytest

from feishu.long_connection.config import ClientConfig


def test_the_defaults_are_those_of_the_official_clients():
    assert ClientConfig().as_json() == {
        "ReconnectCount": -1,
        "ReconnectInterval": 120,
        "ReconnectNonce": 30,
        "PingInterval": 120,
    }


def test_values_of_the_platform_replace_the_defaults():
    told = {"ReconnectCount": 7, "ReconnectInterval": 90, "ReconnectNonce": 25, "PingInterval": 60}
    assert ClientConfig().merged(told).as_json() == told


def test_missing_values_keep_what_was_known():
    assert ClientConfig(ping_interval=30).merged({"ReconnectNonce": 5}).ping_interval == 30


def test_numbers_that_are_written_as_text_are_read():
    assert ClientConfig().merged({"PingInterval": "90", "ReconnectCount": "-1"}).ping_interval == 90


@pytest.mark.parametrize("value", [None, 0, -5, 1.5, True, [], {}])
def test_unusable_values_keep_what_was_known(value):
    assert ClientConfig().merged({"PingInterval": value}) == ClientConfig()


@pytest.mark.parametrize("update", [None, [], "x", 7])
def test_what_is_no_object_changes_nothing(update):
    assert ClientConfig().merged(update) == ClientConfig()


def test_absurd_intervals_are_cut_down():
    config = ClientConfig().merged({"PingInterval": 10**12, "ReconnectInterval": 10**12})
    assert (config.ping_interval, config.reconnect_interval) == (600, 3600)


def test_silence_is_two_pings_and_ten_seconds():
    assert ClientConfig(ping_interval=120).silence == 250
