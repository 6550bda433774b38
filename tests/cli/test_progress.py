"""How far files are, on a terminal and elsewhere."""

import io

from minibento.cli.progress import Shown


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_where_nobody_watches_only_large_files_get_a_line() -> None:
    stream = io.StringIO()
    shown = Shown("sending", stream)
    shown.begin("small", 1000)
    shown.moved(1000)
    shown.begin("large\x1b[2J", 64_000_000)
    shown.moved(64_000_000)
    shown.close()
    assert stream.getvalue() == "sending large\\x1b[2J (64.0 MB)\n"


def test_on_a_terminal_one_line_changes_and_is_taken_away() -> None:
    stream = Terminal()
    shown = Shown("receiving", stream)
    shown.begin("a/" * 100 + "model.bin", 2000)
    shown._drawn = 0.0
    shown.moved(1000)
    shown.begin("empty", 0)
    shown.close()
    first, half, empty, end = stream.getvalue().split("\r\x1b[K")[1:]
    assert first.endswith("/model.bin  0 B of 2.0 kB  0 %")
    assert half.endswith("1.0 kB of 2.0 kB  50 %")
    assert empty == "receiving empty  0 B of 0 B  100 %"
    assert end == ""
    assert "\n" not in stream.getvalue()
    assert len(first) < 80
