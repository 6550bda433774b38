"""The control socket: whoever says nothing, or takes nothing, is in nobody's way."""

import asyncio
import json
import os
import socket
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from minibento.processes.supervisor import admin
from minibento.processes.supervisor.admin import Admin, Say
from tests.processes.doors import until

Reload = Callable[[Say], Awaitable[dict[str, Any]]]


async def nothing(_: Say) -> dict[str, Any]:
    return {"generation": 2}


@asynccontextmanager
async def answering(reload: Reload = nothing, **status: Any) -> AsyncIterator[Path]:
    """The path of a control socket that is answered."""
    with TemporaryDirectory(prefix="mb-") as folder:
        path = Path(folder) / "control.sock"
        made = Admin(path, lambda: status, reload)
        await made.start()
        try:
            yield path
        finally:
            await made.close()


async def ask(path: Path, question: bytes) -> dict[str, Any]:
    """The last line of the answer."""
    reader, writer = await asyncio.open_unix_connection(path, limit=2**30)
    writer.write(question + b"\n")
    lines = (await reader.read()).splitlines()
    writer.close()
    answer: dict[str, Any] = json.loads(lines[-1])
    return answer


def run(test: Callable[[], Awaitable[None]]) -> None:
    async def main() -> None:
        async with asyncio.timeout(20):
            await test()

    asyncio.run(main())


def open_descriptors() -> int:
    return len([*Path("/proc/self/fd").iterdir()])


async def silent_caller(path: Path) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    return await asyncio.open_unix_connection(path)


def test_silent_callers_are_few_and_keep_nobody_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(admin, "_ASK_SECONDS", 60)

    async def test() -> None:
        async with answering(name="Iris") as path:
            silent = [await silent_caller(path) for _ in range(40)]
            for reader, _ in silent[:24]:
                assert await reader.read() == b""
            answer = await ask(path, b'{"do": "status"}')
            assert answer == {"ok": True, "server": {"name": "Iris"}}
            for _, writer in silent:
                writer.close()

    run(test)


def test_who_has_asked_is_answered_in_a_flood_of_silent_callers() -> None:
    async def test() -> None:
        async with answering(name="Iris") as path:
            with socket.socket(socket.AF_UNIX) as asked:
                asked.connect(str(path))
                asked.sendall(b'{"do": "status"}\n')
                flood = [socket.socket(socket.AF_UNIX) for _ in range(50)]
                for one in flood:
                    one.connect(str(path))
                answer = await asyncio.to_thread(asked.recv, 1000)
                assert json.loads(answer)["ok"]
                for one in flood:
                    one.close()

    run(test)


def test_who_says_nothing_for_long_is_sent_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(admin, "_ASK_SECONDS", 0.01)

    async def test() -> None:
        async with answering() as path:
            reader, writer = await silent_caller(path)
            assert await reader.read() == b""
            writer.close()

    run(test)


def test_who_takes_no_answer_is_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(admin, "_TAKE_SECONDS", 0.01)

    async def test() -> None:
        async with answering(name="x" * 10_000_000) as path:
            with socket.socket(socket.AF_UNIX) as deaf:
                before = open_descriptors()
                deaf.connect(str(path))
                deaf.sendall(b'{"do": "status"}\n')
                await until(lambda: open_descriptors() > before)
                await until(lambda: open_descriptors() == before)

    run(test)


def test_reloads_that_wait_are_bounded() -> None:
    go = asyncio.Event()

    async def reload(_: Say) -> dict[str, Any]:
        await go.wait()
        return {}

    async def test() -> None:
        async with answering(reload) as path:
            asking = [asyncio.ensure_future(ask(path, b'{"do": "reload"}')) for _ in range(9)]
            [refused], _ = await asyncio.wait(asking, return_when=asyncio.FIRST_COMPLETED)
            assert refused.result() == {
                "ok": False,
                "error": "8 reloads run or wait already: wait for their end",
                "traceback": "",
            }
            go.set()
            assert sum(answer["ok"] for answer in await asyncio.gather(*asking)) == 8

    run(test)


@pytest.mark.system
@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user: run it as root")
def test_another_user_is_told_nothing_whatever_the_files_mode_says(
    caplog: pytest.LogCaptureFixture,
) -> None:
    code = """
import os, socket, sys
made = socket.socket(socket.AF_UNIX)
os.setuid(65534)
made.connect(sys.argv[1])
try:
    made.sendall(b'{"do": "reload"}\\n')
    sys.exit(made.recv(100) != b"")
except ConnectionError:
    pass
"""
    reloads = []

    async def reload(_: Say) -> dict[str, Any]:
        reloads.append(1)
        return {}

    async def test() -> None:
        async with answering(reload) as path:
            path.parent.chmod(0o777)
            path.chmod(0o777)
            other = await asyncio.create_subprocess_exec(sys.executable, "-c", code, path)
            assert await other.wait() == 0
            assert await ask(path, b'{"do": "status"}') == {"ok": True, "server": {}}

    run(test)
    assert reloads == []
    assert "user 65534 has connected, only 0 may" in caplog.text
