import asyncio
import gc
import json
import logging
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minibento import log
from minibento.processes.http_protocol import HttpProtocol
from tests.processes.doors import Answer, get, on_loop, opened, post, until

SMUGGLED = get("/smuggled")
CHUNKED = b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"


OFFER = ("Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABkAAQ")
GOOD = [
    get("/"),
    post("/", b"hello") * 2,
    post("/", b"hello", *OFFER) + get("/"),
    CHUNKED + b"5;a=b\r\nhello\r\n0\r\na: b\r\n\r\n" + get("/"),
    post("/", b"hello", "Expect: 100-continue"),
]


def request(*lines: str, body: bytes = b"", first: str = "POST / HTTP/1.1") -> bytes:
    return "\r\n".join([first, *lines, "", ""]).encode("latin-1") + body


def with_coding(coding: str) -> bytes:
    return request("Host: x", f"Transfer-Encoding: {coding}", body=b"0\r\n\r\n")


def with_length(*lengths: str) -> bytes:
    return request("Host: x", *(f"Content-Length: {one}" for one in lengths), body=b"hello")


REFUSED: dict[str, bytes] = {
    "chunks and a length": request(
        "Host: x", "Content-Length: 5", "Transfer-Encoding: chunked", body=b"0\r\n\r\n"
    ),
    "a length after chunks": request(
        "Host: x", "Transfer-Encoding: chunked", "Content-Length: 5", body=b"0\r\n\r\n"
    ),
    "two lengths": with_length("5", "6"),
    "the same length twice": with_length("5", "5"),
    "a list of lengths": with_length("5,5"),
    "a length with a sign": with_length("+5"),
    "a negative length": with_length("-5"),
    "a length with an underscore": with_length("6_0"),
    "a hexadecimal length": with_length("0x5"),
    "a length with a space in it": with_length("5 5"),
    "an empty length": with_length(""),
    "a length of 20 digits": with_length("99999999999999999999"),
    "a length after a vertical tab": with_length("\x0b5"),
    "a length in other digits": with_length("\xb2"),
    "chunked twice": request(
        "Host: x", "Transfer-Encoding: chunked", "Transfer-Encoding: chunked", body=b"0\r\n\r\n"
    ),
    "another coding in a header before": request(
        "Host: x", "Transfer-Encoding: gzip", "Transfer-Encoding: chunked", body=b"0\r\n\r\n"
    ),
    "chunked in a list twice": with_coding("chunked, chunked"),
    "gzip, then chunked": with_coding("gzip, chunked"),
    "gzip only": with_coding("gzip"),
    "identity": with_coding("identity"),
    "almost chunked": with_coding("xchunked"),
    "chunked not last": with_coding("chunked, identity"),
    "chunked in quotes": with_coding('"chunked"'),
    "chunked after a vertical tab": with_coding("\x0bchunked"),
    "an empty coding": with_coding(""),
    "chunks of HTTP/1.0": request(
        "Host: x", "Transfer-Encoding: chunked", body=b"0\r\n\r\n", first="POST / HTTP/1.0"
    ),
    "a space before the colon": request("Host: x", "Transfer-Encoding : chunked"),
    "a space in a name": request("Host: x", "Content Length: 5"),
    "an empty name": request("Host: x", ": 5"),
    "no colon": request("Host: x", "nothing"),
    "a NUL in a name": request("Host: x", "a\0b: c"),
    "a NUL in a value": request("Host: x", "a: b\0c"),
    "a control character in a value": request("Host: x", "a: b\x01c"),
    "a NUL in the URL": request("Host: x", first="GET /a\0b HTTP/1.1"),
    "a byte above ASCII in a name": request("Host: x", "\xff: 1"),
    "a folded line": request("Host: x", "a: b", " c"),
    "a folded first line": request(" Host: x"),
    "bare line feeds": b"GET / HTTP/1.1\nHost: x\n\n",
    "a bare line feed after a header": b"GET / HTTP/1.1\r\nHost: x\na: b\r\n\r\n",
    "a bare line feed at the end": b"GET / HTTP/1.1\r\nHost: x\r\n\n",
    "a bare carriage return": b"GET / HTTP/1.1\r\nHost: x\ra: b\r\n\r\n",
    "a carriage return too many": b"GET / HTTP/1.1\r\r\nHost: x\r\n\r\n",
    "no Host": request("a: b"),
    "two Hosts": request("Host: x", "Host: y"),
    "the same Host twice": request("Host: x", "Host: x"),
    "a Host that is none": request("Host: x/admin?"),
    "a Host with a space": request("Host: x y"),
    "two Hosts of HTTP/1.0": request("Host: x", "Host: y", first="GET / HTTP/1.0"),
    "a chunk size after 0x": CHUNKED + b"0x5\r\nhello\r\n0\r\n\r\n",
    "a chunk size with a sign": CHUNKED + b"+5\r\nhello\r\n0\r\n\r\n",
    "a negative chunk size": CHUNKED + b"-5\r\nhello\r\n0\r\n\r\n",
    "a chunk size and a space": CHUNKED + b"5 \r\nhello\r\n0\r\n\r\n",
    "a chunk size with an underscore": CHUNKED + b"0_5\r\nhello\r\n0\r\n\r\n",
    "no chunk size": CHUNKED + b"\r\nhello\r\n0\r\n\r\n",
    "a chunk size of 17 digits": CHUNKED + b"10000000000000005\r\nhello\r\n0\r\n\r\n",
    "a line feed after the chunk size": CHUNKED + b"5\nhello\r\n0\r\n\r\n",
    "a line feed in a chunk extension": CHUNKED + b"5;a=b\nhello\r\n0\r\n\r\n",
    "a carriage return in a chunk extension": CHUNKED + b"5;a\rb\r\nhello\r\n0\r\n\r\n",
    "a NUL in a chunk extension": CHUNKED + b"5;a\0b\r\nhello\r\n0\r\n\r\n",
    "a chunk longer than it says": CHUNKED + b"5\r\nhelloxx0\r\n\r\n",
    "nothing after a chunk": CHUNKED + b"5\r\nhello0\r\n\r\n",
    "a line feed after a chunk": CHUNKED + b"5\r\nhello\n0\r\n\r\n",
    "a line feed after the last chunk": CHUNKED + b"0\r\n\n",
    "a length after the chunks": CHUNKED + b"0\r\nContent-Length: 5\r\n\r\n",
    "a coding after the chunks": CHUNKED + b"0\r\nTransfer-Encoding: chunked\r\n\r\n",
    "an unknown method": request("Host: x", first="FETCH / HTTP/1.1"),
    "a method in small letters": request("Host: x", first="get / HTTP/1.1"),
    "a tab after the method": request("Host: x", first="GET\t/ HTTP/1.1"),
    "a space in the URL": request("Host: x", first="GET /a b HTTP/1.1"),
    "a space after the version": request("Host: x", first="GET / HTTP/1.1 "),
    "a version of three digits": request("Host: x", first="GET / HTTP/1.10"),
    "HTTP/1.2": request("Host: x", first="GET / HTTP/1.2"),
    "a byte above ASCII in the URL": request("Host: x", first="GET /\xff HTTP/1.1"),
    "a URL without a path": request("Host: x", first="GET http://x HTTP/1.1"),
    "a relative URL": request("Host: x", first="GET x HTTP/1.1"),
    "a tunnel": request("Host: x", first="CONNECT x:80 HTTP/1.1"),
    "the beginning of HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    "a body longer than its length": post("/", b"hell") + b"o",
}


@pytest.mark.parametrize("raw", REFUSED.values(), ids=REFUSED.keys())
def test_what_can_be_read_in_two_ways_is_400_and_what_follows_is_never_read(raw: bytes) -> None:
    async def test() -> None:
        async with opened() as door:
            caller = await door.call()
            caller.send(raw + SMUGGLED)
            found = await caller.answer()
            if raw == REFUSED["a body longer than its length"]:
                assert found.body == b"POST hell"
                found = await caller.answer()
            assert is_problem(found, 400)
            assert await caller.ends()
            assert "/smuggled" not in door.app.paths

    on_loop(test)


@pytest.mark.parametrize("raw", REFUSED.values(), ids=REFUSED.keys())
def test_it_makes_no_difference_how_the_bytes_are_cut(raw: bytes) -> None:
    async def test() -> None:
        async with opened() as door:
            caller = await door.call()
            for at in range(len(raw + SMUGGLED)):
                caller.send((raw + SMUGGLED)[at : at + 1])
                await asyncio.sleep(0)
            found = await caller.answer()
            if raw == REFUSED["a body longer than its length"]:
                found = await caller.answer()
            assert is_problem(found, 400)
            assert await caller.ends()
            assert "/smuggled" not in door.app.paths

    on_loop(test)


def is_problem(found: Answer, status: int) -> bool:
    assert found.headers["content-type"] == "application/problem+json"
    document = json.loads(found.body)
    assert document["request_id"] == found.headers["x-request-id"]
    assert found.status == document["status"] == status, document
    assert "date" in found.headers
    return found.closes


@pytest.mark.parametrize(
    ("raw", "status"),
    [
        (request("Host: x", first="GET / HTTP/2.0"), 505),
        (b"GET /\r\n\r\n", 505),
        (request("Host: x", first=f"GET /{'a' * 2000} HTTP/1.1"), 414),
        (request("Host: x", f"a: {'b' * 2000}"), 431),
        (request("Host: x", *["a: b"] * 200), 431),
        (request("Host: x", *["a: b"] * 101), 431),
        (request("Host: x", "Content-Length: 1001"), 413),
        (CHUNKED + b"3e8\r\n" + b"x" * 1000 + b"\r\n1\r\nx\r\n0\r\n\r\n", 413),
        (CHUNKED + b"1;" + b"x" * 3000, 400),
        (CHUNKED + b"0\r\na:" + b"x" * 3000, 400),
    ],
)
def test_what_is_too_much_is_refused_in_one_piece_or_in_many(raw: bytes, status: int) -> None:
    async def test() -> None:
        async with opened(headers_bytes=1000, body_bytes=1000) as door:
            for step in (10, 700, len(raw)) if status != 400 else (10, 700):
                caller = await door.call()
                for at in range(0, len(raw), step):
                    caller.send(raw[at : at + step])
                    await asyncio.sleep(0)
                assert is_problem(await caller.answer(), status)
                assert await caller.ends()
            assert door.app.bodies == []

    on_loop(test)


def test_what_is_just_not_too_much_is_answered() -> None:
    async def test() -> None:
        async with opened(headers_bytes=1000, body_bytes=1000) as door:
            caller = await door.call()
            caller.send(request("Host: x", *["a: b"] * 99, first="GET / HTTP/1.1"))
            assert (await caller.answer()).status == 200
            caller.send(request("Host: x", "a: " + "b" * 950, first="GET / HTTP/1.1"))
            assert (await caller.answer()).status == 200
            caller.send(post("/", b"x" * 1000))
            assert (await caller.answer()).status == 200
            caller.send(CHUNKED + b"1\r\nx\r\n" * 1000 + b"0\r\n\r\n")
            assert (await caller.answer()).status == 200

    on_loop(test)


def test_a_long_pipeline_is_not_taken_for_one_long_header() -> None:
    async def test() -> None:
        async with opened(headers_bytes=1000) as door:
            caller = await door.call()
            caller.send(get("/") * 90 + get("/last")[:-2])
            for _ in range(90):
                assert (await caller.answer()).status == 200
            caller.send(b"\r\n")
            assert (await caller.answer()).status == 200
            assert door.app.paths[-1] == "/last"

    on_loop(test)


def test_a_body_that_is_too_long_is_refused_before_it_is_sent() -> None:
    async def test() -> None:
        async with opened(body_bytes=1000) as door:
            caller = await door.call()
            caller.send(request("Host: x", "Content-Length: 1001", "Expect: 100-continue"))
            assert is_problem(await caller.answer(), 413)
            assert door.app.scopes == []

    on_loop(test)


def test_who_still_sends_can_read_why_he_was_refused() -> None:
    async def test() -> None:
        async with opened(body_bytes=1000) as door:
            caller = await door.call()
            caller.send(post("/", b"x" * 5_000_000))
            assert is_problem(await caller.answer(), 413)
            assert await caller.ends()

    on_loop(test)


def test_an_app_that_hangs_up_without_reading_is_heard_too() -> None:
    async def app(_scope: object, _receive: object, send: object) -> None:
        assert callable(send)
        headers = [(b"content-length", b"0"), (b"connection", b"close")]
        await send({"type": "http.response.start", "status": 401, "headers": headers})
        await send({"type": "http.response.body", "body": b""})

    async def test() -> None:
        async with opened(app) as door:
            caller = await door.call()
            caller.send(post("/", b"x" * 5_000_000))
            assert (await caller.answer()).status == 401
            assert await caller.ends()

    on_loop(test)


def test_headers_that_do_not_come_in_time_are_408() -> None:
    async def test() -> None:
        async with opened(headers_seconds=0.05) as door:
            caller = await door.call()
            caller.send(get("/")[:-2])
            found = await caller.answer()
            assert is_problem(found, 408)
            assert "no headers within 0.05 s" in json.loads(found.body)["detail"]
            assert await caller.ends()

    on_loop(test)


def test_dripping_does_not_win_time() -> None:
    async def test() -> None:
        async with opened(headers_seconds=0.1, keep_alive_seconds=60) as door:
            caller = await door.call()
            answered = asyncio.ensure_future(caller.answer())
            caller.send(b"GET / HTTP/1.1\r\n")
            while not answered.done():
                caller.send(b"a: b\r\n")
                await asyncio.wait([answered], timeout=0.01)
            assert is_problem(await answered, 408)

    on_loop(test)


@pytest.mark.parametrize(
    "raw",
    [post("/", b"hello")[:-1], CHUNKED + b"5\r\nhell", CHUNKED + b"5\r\nhello\r\n0\r\na: b"],
)
def test_a_body_that_does_not_come_in_time_is_408_and_the_app_hears_that_nobody_waits(
    raw: bytes,
) -> None:
    async def test() -> None:
        async with opened(body_seconds=0.05) as door:
            caller = await door.call()
            caller.send(raw)
            assert is_problem(await caller.answer(), 408)
            assert await caller.ends()
            await door.app.gone.wait()
            assert door.app.bodies == []

    on_loop(test)


def test_a_body_that_an_app_does_not_read_is_not_late() -> None:
    async def test() -> None:
        async with opened(body_seconds=0.05) as door:
            caller = await door.call()
            caller.send(post("/hold", b"x" * 5_000_000))
            await door.app.entered.wait()
            other = await door.call()
            other.send(get("/")[:-1])  # something that takes longer than a body may
            await asyncio.wait([asyncio.ensure_future(other.answer())], timeout=0.2)
            door.app.release.set()
            assert (await caller.answer()).body == b"held"

    on_loop(test)


def test_a_connection_that_idles_is_closed_without_a_word() -> None:
    async def test() -> None:
        async with opened(keep_alive_seconds=0.05) as door:
            unused, used = await door.call(), await door.call()
            assert (await used.ask()).status == 200
            assert await unused.ends()
            assert await used.ends()
            assert door.server.connections == 0

    on_loop(test)


def test_a_connection_in_use_outlives_the_time_that_it_may_idle() -> None:
    async def test() -> None:
        async with opened(keep_alive_seconds=0.2) as door:
            loop = asyncio.get_running_loop()
            begun = loop.time()
            caller, idle = await door.call(), await door.call()
            ended = asyncio.ensure_future(idle.ends())
            while loop.time() < begun + 0.4:
                assert (await caller.ask()).status == 200
                await asyncio.wait([ended], timeout=0.02)
            caller.send(get("/hold"))
            await until(lambda: "/hold" in door.app.paths)
            assert await ended
            door.app.release.set()
            assert (await caller.answer()).body == b"held"

    on_loop(test)


@pytest.mark.parametrize("path", ["/big", "/flood"])
def test_a_caller_that_takes_nothing_of_its_answer_is_cut_off(path: str) -> None:
    async def test() -> None:
        async with opened(body_seconds=0.1) as door:
            caller = await door.call()
            caller.reads_nothing()
            caller.send(get(path))
            sent = 0
            while not door.app.scopes or door.server.connections:
                sent = door.app.sent
                await asyncio.sleep(0)
            # What the system took, and not much more.
            assert sent < 20_000_000

    on_loop(test)


def test_a_caller_that_reads_slowly_gets_all_of_its_answer() -> None:
    async def test() -> None:
        async with opened(body_seconds=0.1) as door:
            caller = await door.call()
            caller.send(get("/big"))
            assert len((await caller.answer()).body) == 20_000_000

    on_loop(test)


def test_a_refusal_waits_for_the_answers_before_it() -> None:
    async def test() -> None:
        async with opened() as door:
            caller = await door.call()
            caller.send(get("/hold") + get("/second") + b"nonsense\r\n\r\n" + SMUGGLED)
            await door.app.entered.wait()
            door.app.release.set()
            assert (await caller.answer()).body == b"held"
            assert (await caller.answer()).body == b"GET "
            assert is_problem(await caller.answer(), 400)
            assert await caller.ends()
            assert door.app.paths == ["/hold", "/second"]

    on_loop(test)


def test_a_request_in_the_queue_whose_body_turns_out_bad_never_begins() -> None:
    async def test() -> None:
        async with opened() as door:
            caller = await door.call()
            caller.send(get("/hold") + CHUNKED + b"x")
            await door.app.entered.wait()
            door.app.release.set()
            assert (await caller.answer()).body == b"held"
            assert is_problem(await caller.answer(), 400)
            assert door.app.paths == ["/hold"]

    on_loop(test)


def test_an_answer_under_way_is_broken_off_where_the_rest_of_its_body_is_bad() -> None:
    async def test() -> None:
        async with opened() as door:
            caller = await door.call()
            caller.send(CHUNKED.replace(b"/", b"/half", 1))
            await door.app.entered.wait()
            caller.send(b"nonsense")
            assert (await caller.rest()).endswith(b"\r\n\r\nhalf")

    on_loop(test)


def test_after_a_refusal_that_follows_an_answer_there_is_no_second_one() -> None:
    async def test() -> None:
        async with opened() as door:
            caller = await door.call()
            caller.send(CHUNKED.replace(b"/", b"/unread", 1))
            assert (await caller.answer()).body == b"unread"
            caller.send(b"nonsense")
            assert await caller.ends()

    on_loop(test)


def test_a_pipeline_has_an_end() -> None:
    async def test() -> None:
        async with opened() as door:
            caller = await door.call()
            caller.send(get("/hold") + get("/") * 150)
            await door.app.entered.wait()
            door.app.release.set()
            answers = [await caller.answer() for _ in range(102)]
            assert [one.status for one in answers] == [200] * 101 + [429]
            assert await caller.ends()

    on_loop(test)


def test_pipelined_requests_are_answered_in_order() -> None:
    async def test() -> None:
        async with opened() as door:
            caller = await door.call()
            caller.send(b"".join(post(f"/{one}", b"%d" % one) for one in range(20)))
            answers = [(await caller.answer()).body for _ in range(20)]
            assert answers == [b"POST %d" % one for one in range(20)]
            assert door.server.requests == 20

    on_loop(test)


def test_http_1_0_is_answered_and_closed() -> None:
    async def test() -> None:
        async with opened() as door:
            caller = await door.call()
            caller.send(b"GET / HTTP/1.0\r\n\r\n")
            found = await caller.answer()
            assert found.status == 200
            assert await caller.ends()

    on_loop(test)


def test_after_connection_close_nothing_is_read() -> None:
    async def test() -> None:
        async with opened() as door:
            caller = await door.call()
            caller.send(get("/hold", "Connection: close") + SMUGGLED)
            await door.app.entered.wait()
            caller.send(SMUGGLED)
            door.app.release.set()
            found = await caller.answer()
            assert (found.status, found.closes) == (200, True)
            assert await caller.ends()
            assert door.app.paths == ["/hold"]

    on_loop(test)


def test_head_is_answered_without_a_body_and_refused_without_one() -> None:
    async def test() -> None:
        async with opened() as door:
            caller = await door.call()
            caller.send(request("Host: x", first="HEAD / HTTP/1.1"))
            assert (await caller.answer(bodiless=True)).status == 200
            caller.send(request(first="HEAD / HTTP/1.1"))
            assert (await caller.answer(bodiless=True)).status == 400
            assert await caller.ends()

    on_loop(test)


def test_who_asks_whether_to_send_is_told_to() -> None:
    async def test() -> None:
        async with opened() as door:
            caller = await door.call()
            caller.send(request("Host: x", "Content-Length: 5", "Expect: 100-continue"))
            assert (await caller.answer()).status == 100
            caller.send(b"hello")
            assert (await caller.answer()).body == b"POST hello"

    on_loop(test)


def test_who_offers_another_protocol_is_answered_in_this_one_with_its_body() -> None:
    async def test() -> None:
        async with opened() as door:
            caller = await door.call()
            raw = post("/", b"hello", *OFFER) * 3 + get("/", *OFFER) + get("/")
            caller.send(raw)
            answers = [(await caller.answer()).body for _ in range(5)]
            assert answers == [b"POST hello"] * 3 + [b"GET "] * 2
            # Cut anywhere, also in the body that the parser would not take for one.
            for at in range(len(raw)):
                caller.send(raw[at : at + 1])
                await asyncio.sleep(0)
            assert [(await caller.answer()).body for _ in range(5)] == answers

    on_loop(test)


def test_headers_after_the_chunks_are_nobodys() -> None:
    async def test() -> None:
        async with opened() as door:
            caller = await door.call()
            caller.send(CHUNKED + b"5;a=b\r\nhello\r\n0\r\nHost: evil\r\nx-user: root\r\n\r\n")
            assert (await caller.answer()).body == b"POST hello"
            names = [name for name, _ in door.app.scopes[0]["headers"]]
            assert names == [b"host", b"transfer-encoding"]

    on_loop(test)


def test_who_leaves_is_told_to_the_app_that_runs_though_others_wait_behind_it() -> None:
    async def test() -> None:
        async with opened() as door:
            caller = await door.call()
            caller.send(post("/read", b"hello")[:-1])
            await door.app.entered.wait()
            caller.leave()
            await door.app.gone.wait()
            await until(lambda: not door.server.connections)

    on_loop(test)


def test_a_connection_that_has_gone_leaves_nothing_to_the_collector() -> None:
    async def test() -> None:
        async with opened() as door:
            gc.collect()
            gc.disable()
            callers = [await door.call() for _ in range(5)]
            for caller, raw in zip(
                callers,
                [
                    get("/"),
                    get("/") * 3,
                    b"nonsense\r\n\r\n",
                    get("/")[:-2],
                    post("/", b"", *OFFER),
                ],
                strict=True,
            ):
                caller.send(raw)
                if raw != get("/")[:-2]:
                    await caller.answer()
                caller.leave()
            await until(lambda: not door.server.connections)
            await until(lambda: not door.server._state.tasks)
            door.app.scopes.clear()
            await asyncio.sleep(0)
            assert not [one for one in gc.get_objects() if isinstance(one, HttpProtocol)]

    try:
        on_loop(test)
    finally:
        gc.enable()


@settings(max_examples=200, deadline=None)
@given(data=st.data())
def test_whatever_is_sent_the_server_answers_decently_and_goes_on(data: st.DataObject) -> None:
    raw = bytearray(data.draw(st.sampled_from([*GOOD, *REFUSED.values()])))
    for _ in range(data.draw(st.integers(0, 3))):
        at = data.draw(st.integers(0, len(raw) - 1))
        raw[at : at + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3))
    cut = data.draw(st.integers(0, len(raw)))

    async def test() -> None:
        async with opened(headers_seconds=0.02, body_seconds=0.02, keep_alive_seconds=0.02) as door:
            caller = await door.call()
            caller.send(bytes(raw[:cut]))
            await asyncio.sleep(0)
            caller.send(bytes(raw[cut:]))
            try:
                said = await caller.rest()
            except ConnectionResetError:  # it sent when the time of the connection was over
                said = b""
            found = re.findall(rb"^HTTP/1\.1 (\d+)", said, re.MULTILINE)
            assert set(found) <= {b"100", b"200", b"400", b"408", b"413", b"414", b"431", b"505"}
            caller.leave()
            await until(lambda: not door.server.connections)
            assert (await (await door.call()).ask()).status == 200

    on_loop(test)


def test_a_refusal_is_logged_and_counted_under_its_request_id(
    capsys: pytest.CaptureFixture[str],
) -> None:
    async def test() -> None:
        async with opened() as door:
            caller = await door.call()
            caller.send(request("X-Request-Id: mine", first="GET /a%0ab?c HTTP/1.1"))
            assert (await caller.answer()).headers["x-request-id"] == "mine"
            assert door.count("minibento_refused_requests_total", "400") == 1

    logger = logging.getLogger("minibento")
    before = logger.handlers[:], logger.level, logger.propagate
    log.set_up("json")
    try:
        on_loop(test)
    finally:
        logger.handlers[:], logger.level, logger.propagate = before
    line = json.loads(capsys.readouterr().out)
    assert (line["request_id"], line["status"], line["client"]) == ("mine", 400, "127.0.0.1")
    assert line["api"] == "/a%0ab?c"
    assert re.match("refused: .* no Host header", line["message"])


def test_without_an_access_log_a_refusal_is_only_counted(
    capsys: pytest.CaptureFixture[str],
) -> None:
    async def test() -> None:
        async with opened(access_log=False) as door:
            caller = await door.call()
            caller.send(b"nonsense\r\n\r\n")
            assert is_problem(await caller.answer(), 400)
            assert door.count("minibento_refused_requests_total", "400") == 1

    on_loop(test)
    assert capsys.readouterr().out == ""
