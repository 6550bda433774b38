import pytest
from hypothesis import given
from hypothesis import strategies as st

from minibento.asgi.accept import preferred

NPY = "application/x-npy"


@pytest.mark.parametrize(
    ("accept", "found"),
    [
        (b"", "json"),
        (b"*/*", "json"),
        (b"application/json", "json"),
        (b"application/x-npy", "x-npy"),
        (b"Application/X-NPY", "x-npy"),
        (b"application/x-npy, */*", "x-npy"),
        (b"application/x-npy, application/json;q=0.5", "x-npy"),
        (b"application/x-npy;version=1", "x-npy"),
        (b"application/x-npy ; Q = 0.9 , */* ; q=0.1", "x-npy"),
        (b"application/x-npy;q=0.1, application/json;q=0, */*", "x-npy"),
        (b"application/json, application/x-npy;q=0.5", "json"),
        (b"application/x-npy;q=0.5, application/*", "json"),
        (b"application/x-npy;q=0", "json"),
        (b"application/x-npy-2", "json"),
        (b"text/html", "json"),
        (b",;=,;q", "json"),
        (b"application/x-npy;q=\xff", "x-npy"),
    ],
)
def test_another_type_is_sent_where_it_is_named_and_nothing_else_is_liked_better(
    accept: bytes, found: str
) -> None:
    assert preferred(accept, "application/json", [NPY]) == f"application/{found}"


@given(st.binary(max_size=60) | st.text("*/;,q=0.1 apnyx-json").map(str.encode))
def test_any_header_leads_to_one_of_the_types(accept: bytes) -> None:
    assert preferred(accept, "application/json", [NPY]) in {"application/json", NPY}
