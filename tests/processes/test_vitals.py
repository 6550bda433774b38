"""The page on which a worker shows how it is."""

import math
import os
import time

from minibento.processes.vitals import VitalsPage


def test_what_a_worker_writes_another_process_reads() -> None:
    page = VitalsPage()
    child = os.fork()
    if not child:
        theirs = VitalsPage(os.dup(page.descriptor))
        theirs.beat(12.5, 3, 71)
        theirs.begin(12.6, 17.1)
        os._exit(0)
    os.waitpid(child, 0)
    vitals = page.read()
    page.close()
    assert (vitals.beat, vitals.outstanding, vitals.served) == (12.5, 3, 71)
    assert (vitals.since, vitals.until, vitals.batches) == (12.6, 17.1, 0)


def test_a_finished_batch_is_counted_and_computes_no_more() -> None:
    page = VitalsPage()
    page.begin(1.0, 2.0)
    page.end()
    vitals = page.read()
    page.close()
    assert (vitals.since, vitals.until, vitals.batches) == (None, math.inf, 1)


def test_a_loop_that_stood_still_while_it_computed_has_turned_when_the_batch_ends() -> None:
    page = VitalsPage()
    page.beat(1.0, 3, 0)
    before = time.monotonic()
    page.begin(1.0, 2.0)
    page.end()
    vitals = page.read()
    page.close()
    assert vitals.beat >= before
    assert vitals.outstanding == 3


def test_a_new_page_shows_an_idle_worker() -> None:
    page = VitalsPage()
    assert page.read().since is None
    page.close()
