import asyncio
import statistics
import time

from benchmarks.openloop.alarm import Alarm


async def lateness() -> list[float]:
    alarm = Alarm()
    try:
        late = []
        for _ in range(50):
            moment = time.monotonic() + 0.0013
            await alarm.until(moment)
            late.append(time.monotonic() - moment)
    finally:
        alarm.close()
    return late


def test_the_alarm_is_never_early_and_late_by_less_than_the_loops_own_timers() -> None:
    late = asyncio.run(lateness())
    assert min(late) >= 0
    assert statistics.median(late) < 0.0007


def test_a_past_moment_returns_at_once() -> None:
    async def wait() -> None:
        alarm = Alarm()
        try:
            await asyncio.wait_for(alarm.until(time.monotonic() - 1), 1)
        finally:
            alarm.close()

    asyncio.run(wait())
