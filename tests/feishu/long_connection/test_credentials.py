import logging

from feishu.credentials import AppCredentials
from feishu.errors import APIError, ConnectError
from feishu.reasons import Reason
from tests.feishu.long_connection.fake_gateway import CREDENTIALS, QUICK, TICKET, running
from tests.feishu.long_connection.troubles import refused


async def test_wrong_credentials_are_reported_and_retried_with_what_is_then_known(gateway, diary):
    secrets = iter(["wrong", "right"])

    async def credentials() -> AppCredentials:
        return AppCredentials("cli_a1b2c3d4e5f60718", next(secrets), CREDENTIALS.platform)

    gateway.discover = [refused(1000040345, "app_id or app_secret invalid")]
    async with running(gateway, diary, credentials=credentials):
        await diary.until("connected")
    assert gateway.secrets == ["wrong", "right"]
    error, attempt, fatal, retry_in = diary.failures[0]
    assert isinstance(error, ConnectError)
    assert (error.code, error.stage, attempt, fatal, retry_in) == (
        1000040345,
        "discovery",
        1,
        True,
        QUICK.longest_delay,
    )


async def test_credentials_that_cannot_be_looked_up_are_tried_again(gateway, diary, caplog):
    answers = iter([RuntimeError("s3cr3t database"), CREDENTIALS])

    async def credentials() -> AppCredentials:
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    async with running(gateway, diary, credentials=credentials):
        await diary.until("connected")
    error = diary.failures[0][0]
    assert isinstance(error, ConnectError)
    assert error.stage == "credentials"
    assert "s3cr3t" not in str(error)


async def test_an_error_that_the_credentials_name_is_passed_on(gateway, diary):
    answers = iter([APIError("gone", code=10014), CREDENTIALS])

    async def credentials() -> AppCredentials:
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    async with running(gateway, diary, credentials=credentials):
        await diary.until("connected")
    assert (diary.failures[0][0].code, diary.failures[0][2]) == (10014, True)


async def test_an_outage_of_the_database_leaves_no_traceback(gateway, diary, caplog):
    async def away() -> AppCredentials:
        raise ConnectError("the database is away", stage="credentials", reason=Reason.DATABASE)

    async with running(gateway, diary, credentials=away):
        await diary.until("failed", 2)
    assert [record for record in caplog.records if record.exc_info] == []


async def test_the_ticket_and_the_secret_never_reach_the_log(gateway, diary, caplog):
    caplog.set_level(logging.DEBUG)
    gateway.discover = [refused(1000040345)]
    async with running(gateway, diary):
        await diary.until("heartbeat")
        gateway.refusal = (403, {})
        await (await gateway.socket()).close()
        await diary.until("failed", 2)
    # The fake gateway runs in the same process and may say what it likes.
    ours = [record for record in caplog.records if record.name != "websockets.server"]
    assert "connected" in [record.getMessage() for record in ours]
    lines = [f"{record.getMessage()} {vars(record)}" for record in ours]
    assert not [line for line in lines if TICKET in line or CREDENTIALS.app_secret in line]
