"""What the log shows of a body, and what it does not."""

from sandbox.world.calls import MASK, masked, masked_query, readable


def test_secrets_are_masked_at_any_depth_and_codes_of_answers_are_not() -> None:
    shown = masked({"code": 0, "data": [{"access_token": "x", "name": "n"}], "client_secret": "s"})
    assert shown == {"code": 0, "data": [{"access_token": MASK, "name": "n"}], "client_secret": MASK}
    assert masked({"code": "an authorization code"}) == {"code": MASK}


def test_secrets_inside_of_addresses_are_masked() -> None:
    url = "wss://gateway.test/ws?device_id=1&access_key=abc&service_id=2&ticket=def"
    assert masked({"URL": url}) == {
        "URL": f"wss://gateway.test/ws?device_id=1&access_key={MASK}&service_id=2&ticket={MASK}"
    }
    assert masked_query("user_code=ABCD&lang=zh") == f"user_code={MASK}&lang=zh"


def test_forms_texts_and_nothing_are_readable() -> None:
    form = readable(b"grant_type=refresh_token&refresh_token=x", "application/x-www-form-urlencoded")
    assert form == {"grant_type": "refresh_token", "refresh_token": MASK}
    assert readable(b"") is None
    assert readable(b"\xffplain") == "\ufffdplain"
    assert len(readable(b"x" * 10_000)) == 4000
