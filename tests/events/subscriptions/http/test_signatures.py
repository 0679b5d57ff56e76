import base64

import pytest

from events.subscriptions.http.signatures import new_secret, signed_headers

# The vector that Svix, who wrote the specification, tests its own server with.
KEY = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
MESSAGE = {
    "message_id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
    "timestamp": 1614265330,
    "payload": b'{"test": 2432232314}',
}
SIGNATURE = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_the_known_message_has_the_known_signature():
    assert signed_headers(**MESSAGE, secrets=[KEY]) == {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": SIGNATURE,
    }


def test_there_is_a_signature_for_every_key_that_is_valid():
    headers = signed_headers(**MESSAGE, secrets=[new_secret(), KEY])
    first, second = headers["webhook-signature"].split(" ")
    assert first != second == SIGNATURE


@pytest.mark.parametrize("changed", [{"message_id": "other"}, {"timestamp": 1}, {"payload": b"{}"}])
def test_each_part_of_the_message_is_signed(changed):
    assert signed_headers(**(MESSAGE | changed), secrets=[KEY])["webhook-signature"] != SIGNATURE


def test_new_secrets_are_long_enough_and_never_the_same():
    one, other = new_secret(), new_secret()
    assert one != other
    assert len(base64.b64decode(one.removeprefix("whsec_"))) == 32


def test_a_key_that_is_none_is_not_repeated_in_the_error():
    with pytest.raises(ValueError, match="base64") as caught:
        signed_headers(**MESSAGE, secrets=["whsec_not base64!"])
    assert "not base64!" not in str(caught.value)
