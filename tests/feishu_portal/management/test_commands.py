import io
from datetime import timedelta

import pytest
from cryptography.fernet import Fernet
from django.core.management import CommandError, call_command
from django.utils import timezone

from bots.enums import Transport
from bots.models import Bot
from core.access.models import ApiClient
from tests.factories import make_bot, make_client

pytestmark = pytest.mark.django_db


@pytest.fixture
def secret_file(tmp_path):
    file = tmp_path / "secret"
    file.write_text("from-a-file\n")
    return str(file)


def addbot(*arguments: str) -> str:
    out = io.StringIO()
    call_command("addbot", *arguments, stdout=out)
    return out.getvalue()


def test_addbot_reads_the_secret_from_a_file_and_prints_the_redirect_url(secret_file):
    out = addbot("Helper", "--app-id", "cli_a1b2c3d4e5f60718", "--app-secret-file", secret_file)
    assert Bot.objects.get().app_secret == "from-a-file"
    assert "http://portal.test/oauth/callback/cli_a1b2c3d4e5f60718/" in out
    assert "from-a-file" not in out


def test_addbot_reads_the_secret_from_the_environment(monkeypatch):
    monkeypatch.setenv("FEISHU_APP_SECRET", "from-the-environment")
    addbot("Helper", "--app-id", "cli_a1b2c3d4e5f60718")
    assert Bot.objects.get().app_secret == "from-the-environment"


def test_addbot_reads_the_secret_from_standard_input(monkeypatch):
    monkeypatch.delenv("FEISHU_APP_SECRET", raising=False)
    monkeypatch.setattr("sys.stdin", io.StringIO("from-stdin\n"))
    addbot("Helper", "--app-id", "cli_a1b2c3d4e5f60718")
    assert Bot.objects.get().app_secret == "from-stdin"


def test_addbot_of_a_new_bot_without_a_secret_is_refused(monkeypatch):
    monkeypatch.delenv("FEISHU_APP_SECRET", raising=False)
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    with pytest.raises(CommandError, match="App Secret"):
        addbot("Helper", "--app-id", "cli_a1b2c3d4e5f60718")


def test_addbot_again_updates_and_keeps_what_is_not_said(secret_file):
    base = ("--app-id", "cli_a1b2c3d4e5f60718", "--app-secret-file", secret_file)
    addbot("Helper", *base, "--slots", "2", "--transport", "webhook", "--encrypt-key-file", secret_file)
    assert "Updated" in addbot("Renamed", *base)
    bot = Bot.objects.get()
    assert (bot.name, bot.slot_count, bot.transport) == ("Renamed", 2, Transport.WEBHOOK)


def test_addbot_reads_a_proxy_from_a_file_and_forgets_it_when_told(secret_file, tmp_path):
    file = tmp_path / "proxy"
    file.write_text("http://ops:hush@proxy.test:3128\n")
    base = ("Helper", "--app-id", "cli_1", "--app-secret-file", secret_file)
    out = addbot(*base, "--proxy-url-file", str(file))
    assert Bot.objects.get().credentials.proxy == "http://ops:hush@proxy.test:3128"
    assert "hush" not in out
    addbot(*base)
    assert Bot.objects.get().proxy_url
    addbot(*base, "--no-proxy")
    assert Bot.objects.get().credentials.proxy == ""


def test_addbot_refuses_what_is_no_proxy_without_repeating_it(secret_file, tmp_path):
    file = tmp_path / "proxy"
    file.write_text("socks5://ops:hush@proxy.test:1080")
    with pytest.raises(CommandError) as refusal:
        addbot("Helper", "--app-id", "cli_1", "--app-secret-file", secret_file, "--proxy-url-file", str(file))
    assert "proxy_url" in str(refusal.value)
    assert "hush" not in str(refusal.value)


def test_addbot_rotates_secrets_from_files(secret_file, tmp_path):
    base = ("Helper", "--app-id", "cli_1", "--app-secret-file", secret_file)
    for name in ("old", "new"):
        (tmp_path / name).write_text(f"{name}-key\n")
    old, new = str(tmp_path / "old"), str(tmp_path / "new")
    addbot(*base, "--encrypt-key-file", old)
    with pytest.raises(CommandError, match="no next secret"):
        addbot(*base, "--use-next-secrets")
    for _again in range(2):
        out = addbot(*base, "--next-encrypt-key-file", new, "--rotation-days", "3")
        bot = Bot.objects.get()
        assert (bot.encrypt_key, bot.next_encrypt_key) == ("old-key", "new-key")
        assert timedelta(days=2, hours=23) < bot.rotation_ends_at - timezone.now() <= timedelta(days=3)
        assert "new-key" not in out
    with pytest.raises(CommandError, match="next_encrypt_key"):
        addbot(*base, "--next-encrypt-key-file", old)
    addbot(*base, "--use-next-secrets")
    bot = Bot.objects.get()
    assert (bot.encrypt_key, bot.next_encrypt_key, bot.rotation_ends_at) == ("new-key", "", None)
    addbot(*base, "--next-encrypt-key-file", old, "--next-verification-token-file", new)
    addbot(*base, "--no-next-secrets")
    assert Bot.objects.get().next_secrets == []


@pytest.mark.parametrize("days", ["0", "91", "x"])
def test_addbot_bounds_a_rotation(secret_file, days):
    with pytest.raises(CommandError, match="rotation-days"):
        addbot("Helper", "--app-id", "cli_1", "--app-secret-file", secret_file, "--rotation-days", days)


def test_addbot_with_addresses_is_a_custom_platform(secret_file):
    urls = ("--open-url", "http://open.test", "--accounts-url", "http://accounts.test")
    addbot("Helper", "--app-id", "cli_1", "--app-secret-file", secret_file, *urls)
    assert Bot.objects.get().addresses.open_url == "http://open.test"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--app-id", "wrong"), "app_id"),
        (("--app-id", "cli_1", "--slots", "99"), "slot_count"),
        (("--app-id", "cli_1", "--open-url", "http://open.test"), "账号服务地址"),
        (("--app-id", "cli_1", "--app-secret-file", "/nowhere"), "Cannot read"),
    ],
)
def test_addbot_with_bad_values_says_which(arguments, message, monkeypatch):
    monkeypatch.setenv("FEISHU_APP_SECRET", "s")
    with pytest.raises(CommandError, match=message):
        addbot("Helper", *arguments)
    assert not Bot.objects.exists()


def test_addapiclient_prints_the_key_once_and_stores_its_hash():
    bot, out, err = make_bot(), io.StringIO(), io.StringIO()
    call_command("addapiclient", "crm", "--scope", "auth:create", "--bot", bot.app_id, stdout=out, stderr=err)
    key = out.getvalue().strip()
    client = ApiClient.objects.get()
    assert key.startswith(f"fp_{client.prefix}_")
    assert key not in str(ApiClient.objects.values().get())
    assert (client.all_bots, client.bot_ids) == (False, [str(bot.pk)])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "--scope"),
        (("--scope", "auth:create", "--bot", "cli_9"), "cli_9"),
        (("--scope", "auth:create", "--expires-days", "0"), "days"),
    ],
)
def test_addapiclient_with_bad_values_says_which(arguments, message):
    with pytest.raises(CommandError, match=message):
        call_command("addapiclient", "crm", *arguments)


def test_addapiclient_of_a_name_that_exists_is_refused():
    make_client("crm")
    with pytest.raises(CommandError, match="crm"):
        call_command("addapiclient", "crm", "--scope", "bots:read")


def test_runfeishu_of_an_unknown_bot_says_how_to_add_it():
    with pytest.raises(CommandError, match="addbot"):
        call_command("runfeishu", "--bot", "cli_unknown")


def test_addbot_whose_secrets_do_not_open_any_more_says_what_to_do(settings, secret_file):
    bot = make_bot(verification_token="sealed")
    settings.ENCRYPTION_KEYS = [Fernet.generate_key().decode()]
    with pytest.raises(CommandError, match="ENCRYPTION_KEYS"):
        addbot("Helper", "--app-id", bot.app_id, "--app-secret-file", secret_file)


def test_addbot_with_a_secret_file_that_is_no_text_is_refused(tmp_path):
    (tmp_path / "secret").write_bytes(b"\xff\xfe")
    with pytest.raises(CommandError, match="no text"):
        addbot("Helper", "--app-id", "cli_a1b2c3d4e5f60718", "--app-secret-file", str(tmp_path / "secret"))
