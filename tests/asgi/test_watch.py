import asyncio
import time

import pytest
from starlette.types import Message

from minibento.asgi import watch as watch_module
from minibento.asgi.watch import Watch


async def never() -> Message:
    await asyncio.Event().wait()
    raise AssertionError


async def gone() -> Message:
    return {"type": "http.disconnect"}


def watching(seconds: float, *, leaves: bool = False) -> Watch:
    deadline = time.monotonic() + seconds
    return Watch(asyncio.get_running_loop(), deadline, seconds, gone if leaves else never)


def test_the_task_is_cancelled_at_its_deadline() -> None:
    async def main() -> None:
        watch = watching(0.01)
        with pytest.raises(asyncio.CancelledError):
            await asyncio.Event().wait()
        assert watch.reason == "deadline"
        assert watch.excuses()
        watch.close()

    asyncio.run(main())


def test_a_deadline_after_the_first_look_is_kept_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch_module, "_LISTEN_AFTER", 0.001)

    async def main() -> None:
        begun = time.monotonic()
        watch = watching(0.03)
        with pytest.raises(asyncio.CancelledError):
            await asyncio.Event().wait()
        assert time.monotonic() - begun >= 0.028
        assert watch.excuses()
        watch.close()

    asyncio.run(main())


def test_the_task_is_cancelled_when_the_client_leaves() -> None:
    async def main() -> None:
        watch = watching(10, leaves=True)
        with pytest.raises(asyncio.CancelledError):
            await asyncio.Event().wait()
        assert watch.reason == "gone"
        assert watch.excuses()
        watch.close()

    asyncio.run(main())


def test_a_closed_watch_cancels_nothing_and_leaves_no_task() -> None:
    async def main() -> None:
        watch = watching(0.01)
        watch.close()
        await asyncio.wait([asyncio.ensure_future(never())], timeout=0.03)
        assert watch.reason is None
        assert not watch.excuses()

    asyncio.run(main())


def test_somebody_elses_cancellation_is_not_excused() -> None:
    async def main() -> None:
        watch = watching(10)
        task = asyncio.current_task()
        assert task is not None
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await never()
        assert not watch.excuses()
        watch.close()
        task.uncancel()

    asyncio.run(main())
