import hashlib

from auth_sessions.domain.one_time import digest, new_secret


def test_values_are_long_fit_into_an_address_and_come_once() -> None:
    values = {new_secret() for _ in range(100)}

    assert len(values) == 100
    assert all(len(value) == 43 and value.replace("-", "").replace("_", "").isalnum() for value in values)


def test_what_is_stored_is_the_hash() -> None:
    assert digest("a value") == hashlib.sha256(b"a value").hexdigest()
