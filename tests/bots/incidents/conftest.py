import pytest


@pytest.fixture(autouse=True)
def email(settings) -> None:
    settings.EMAIL_IS_SET_UP = True
    settings.PUBLIC_URL = "https://portal.test"
