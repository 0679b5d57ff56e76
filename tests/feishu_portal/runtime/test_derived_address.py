from feishu_portal.runtime import derived_address


def test_command_beside_a_sandbox_has_the_address_that_was_derived(settings, tmp_path):
    settings.DATA_DIR, settings.PUBLIC_URL = tmp_path / "data", ""
    derived_address.derive("http://localhost:9000")
    assert settings.PUBLIC_URL == "http://localhost:9000"
    settings.PUBLIC_URL = ""  # of another process
    derived_address.adopt()
    assert settings.PUBLIC_URL == "http://localhost:9000"


def test_address_that_is_set_wins_and_one_of_a_portal_that_ended_is_nobodys(settings, tmp_path):
    settings.DATA_DIR, settings.PUBLIC_URL = tmp_path, ""
    derived_address.derive("http://localhost:9000")
    settings.PUBLIC_URL = "https://portal.example.com"
    derived_address.adopt()
    assert settings.PUBLIC_URL == "https://portal.example.com"
    settings.PUBLIC_URL = ""
    derived_address.forget()
    derived_address.forget()
    derived_address.adopt()
    assert settings.PUBLIC_URL == ""
