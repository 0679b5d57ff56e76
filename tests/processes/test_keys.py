"""docs/operations/keys.md, done as it stands there."""

from collections.abc import Callable

import pytest

from tests.services.documents import run_block
from tests.services.processes import clean_environment
from tests.services.session import SECRETS

# Which database it is makes no difference; a command after the other starts on a busy machine.
pytestmark = [pytest.mark.processes, pytest.mark.only_on("sqlite"), pytest.mark.timeout(600)]

DOCUMENT = "docs/operations/keys.md"
OLD = SECRETS["ENCRYPTION_KEYS"]


@pytest.fixture
def do(bot, environment, tmp_path) -> Callable[..., str]:
    """Runs a block of the document with these ENCRYPTION_KEYS."""

    def run(name: str, *keys: str, typed: str = "") -> str:
        values = clean_environment(tmp_path / "data") | environment | {"ENCRYPTION_KEYS": ",".join(keys)}
        return run_block(DOCUMENT, name, directory=tmp_path, environment=values, typed=typed)

    return run


def test_key_is_rotated_as_documented(do):
    new = do("make-key", OLD).strip()
    assert "0 values re-encrypted" not in do("rotate", new, OLD)
    assert "0 values would be re-encrypted" in do("is-rotated", new)


def test_lost_key_is_started_over_from_as_documented(do, rows):
    new = do("make-key", OLD).strip()
    out = do("start-over", new, typed="discard\n")
    assert "1 bots.bot.app_secret discarded" in out
    assert "App Secret again" in out
    assert rows.all("SELECT enabled, app_secret FROM bots_bot") == [(0, "")]
    assert "0 values would be re-encrypted" in do("is-rotated", new)
