"""Whether a worker counts as dead, from what it shows: a pure function; knows no process."""

from minibento.processes.vitals import Vitals

__all__ = ["API_SILENCE", "RUNNER_SILENCE", "verdict"]

# An idle runner worker's loop has nothing to do but to beat, four times a second.
RUNNER_SILENCE = 1.0
# An API worker runs the user's code on its loop, which may block it for a while.
API_SILENCE = 30.0
# A loop that reads or writes a call of a million rows stands still and is not dead: it uses its
# processor. One that hangs uses none; one that spins is ended in the end.
_WORKING_SILENCE = 30.0


def verdict(
    vitals: Vitals, now: float, silence: float, *, stopped: bool, working: bool = False
) -> str | None:
    """Why the worker must be replaced, in words; None: it is well.

    Args:
        vitals: What its page shows.
        now: Monotonic seconds.
        silence: Seconds that its loop may stand still while nothing computes.
        stopped: Whether the kernel shows it as stopped (state T).
        working: Whether it has used a processor since its loop stood still, or waits for one.
    """
    if stopped:
        return "it was stopped by a signal"
    if vitals.since is not None:
        # It may hold the interpreter lock and be silent: what counts is whom it keeps waiting.
        if now <= vitals.until:
            return None
        return f"it has been computing one batch for {now - vitals.since:.1f} s, past all deadlines"
    quiet = now - vitals.beat
    silence = max(silence, _WORKING_SILENCE) if working else silence
    return f"it has been silent for {quiet:.1f} s" if quiet > silence else None
