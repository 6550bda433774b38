"""A value as it is shown in an error: short, and never an error of its own."""

__all__ = ["shown"]

LONGEST = 40


def shown(value: object) -> str:
    """The value's repr, cut after 40 characters."""
    try:
        text = repr(value)
    except Exception:  # noqa: BLE001 - an int of 5,000 digits, or a user's own __repr__
        return f"a value of type {type(value).__name__}"
    return text if len(text) <= LONGEST else text[: LONGEST - 3] + "..."
