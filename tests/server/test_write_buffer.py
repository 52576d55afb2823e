"""What is written on many connections in one turn of the loop goes out together, whole and in order."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine

import pytest

from mock_intake.server.http.write_buffer import BufferedTransport, WriteBuffer


class Wire(asyncio.Transport):
    """The far side of a transport: what has gone out, write by write, and how it ended."""

    def __init__(self, log: list[tuple[str, bytes]], name: str, broken: bool = False) -> None:
        super().__init__()
        self.log = log
        self.name = name
        self.broken = broken
        self.closed = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        if self.broken:
            raise RuntimeError("the handle is gone")
        self.log.append((self.name, bytes(data)))

    def is_closing(self) -> bool:
        return self.closed

    def _end(self, how: bytes) -> None:
        self.closed = True
        self.log.append((self.name, how))

    def close(self) -> None:
        self._end(b"<close>")

    def abort(self) -> None:
        self._end(b"<abort>")

    def write_eof(self) -> None:
        self.log.append((self.name, b"<eof>"))

    def get_write_buffer_size(self) -> int:
        return 0


def run(steps: Callable[[Callable[..., BufferedTransport]], Coroutine[None, None, None]]) -> list[tuple[str, bytes]]:
    """All that went out while the steps were taken, which are given connections of one write buffer by name."""
    log: list[tuple[str, bytes]] = []

    async def go() -> None:
        buffer = WriteBuffer()
        loop = asyncio.get_running_loop()
        await steps(lambda name, broken=False: BufferedTransport(Wire(log, name, broken), loop, buffer))

    asyncio.run(go())
    return log


def test_nothing_goes_out_before_the_turn_is_over_and_then_each_connection_gets_one_write() -> None:
    async def steps(connection: Callable[..., BufferedTransport]) -> None:
        one, two = connection("one"), connection("two")
        log = one._transport.log  # type: ignore[attr-defined]
        one.write(b"a")
        two.write(b"b")
        one.writelines([b"c", bytearray(b"d")])
        assert log == []
        assert one.get_write_buffer_size() == 3
        await asyncio.sleep(0)
        assert log == [("one", b"acd"), ("two", b"b")]
        assert one.get_write_buffer_size() == 0
        one.write(b"e")
        await asyncio.sleep(0)

    assert run(steps) == [("one", b"acd"), ("two", b"b"), ("one", b"e")]


@pytest.mark.parametrize(("how", "end"), [("close", b"<close>"), ("abort", b"<abort>"), ("write_eof", b"<eof>")])
def test_what_waits_goes_out_before_the_end(how: str, end: bytes) -> None:
    async def steps(connection: Callable[..., BufferedTransport]) -> None:
        one = connection("one")
        one.write(b"answer")
        getattr(one, how)()

    assert run(steps) == [("one", b"answer"), ("one", end)]


def test_much_goes_out_at_once_so_that_a_slow_reader_is_noticed() -> None:
    async def steps(connection: Callable[..., BufferedTransport]) -> None:
        one = connection("one")
        log = one._transport.log  # type: ignore[attr-defined]
        one.write(b"x" * 60_000)
        assert log == []
        one.write(b"y" * 10_000)
        assert [len(data) for _, data in log] == [70_000]

    assert len(run(steps)) == 1


def test_one_that_is_gone_costs_the_others_nothing(caplog: pytest.LogCaptureFixture) -> None:
    async def steps(connection: Callable[..., BufferedTransport]) -> None:
        broken, gone, well = connection("broken", broken=True), connection("gone"), connection("well")
        for each in (broken, gone, well):
            each.write(b"answer")
        gone._transport.close()
        await asyncio.sleep(0)

    # The client of the broken one is told, and does not wait until its own time-out.
    assert run(steps) == [("gone", b"<close>"), ("broken", b"<abort>"), ("well", b"answer")]
    assert "an answer could not be sent" in caplog.text
