"""What goes wrong with a measurement; knows none."""

__all__ = ["MeasurementFailed"]


class MeasurementFailed(Exception):
    """A server did not start, answered wrongly or with an error, or a tool is missing."""
