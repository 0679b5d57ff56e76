import asyncio

from feishu.long_connection.connection import Message
from feishu.long_connection.ending import ConnectionEnding, EndKind
from tests.feishu.long_connection.fake_gateway import PATIENCE, Diary, event, running


async def test_an_observer_that_raises_costs_one_connection_not_the_run(gateway):
    class Faulty(Diary):
        def frame(self, message: Message) -> None:
            super().frame(message)
            if self.count("frame") == 1:
                raise RuntimeError("observer")

    diary = Faulty()
    async with running(gateway, diary):
        await gateway.push(event("m1"))
        await gateway.push(event("m2"), number=2)
        assert (await gateway.ack()).header("message_id") == "m2"
    assert ("disconnected", "internal error: RuntimeError") in diary.entries
    assert diary.endings[0].kind is EndKind.ERROR


async def test_an_observer_that_raises_on_connecting_does_not_end_the_run_or_leak_a_socket(gateway):
    class Faulty(Diary):
        def connected(self, device_id: str) -> None:
            super().connected(device_id)
            if self.count("connected") == 1:
                raise RuntimeError("observer")

    diary = Faulty()
    async with running(gateway, diary):
        await gateway.push(event("m1"), number=2)
        await gateway.ack()
        async with asyncio.timeout(PATIENCE):
            await (await gateway.socket(1)).wait_closed()


async def test_an_observer_that_raises_when_the_connection_is_ended_does_not_keep_it_running(gateway, caplog):
    class Faulty(Diary):
        def disconnected(self, ending: ConnectionEnding) -> None:
            super().disconnected(ending)
            raise RuntimeError("observer")

    diary = Faulty()
    async with running(gateway, diary) as task:
        await diary.until("connected")
        task.cancel()
        async with asyncio.timeout(PATIENCE):
            await asyncio.wait([task])
    assert task.cancelled()
    assert "connection_failed" in caplog.text
