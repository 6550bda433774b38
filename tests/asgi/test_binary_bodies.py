"""Arrays as .npy files and bytes as they are, through a whole service."""

import io
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as st_np
from starlette.testclient import TestClient

from tests.asgi.services import Kitchen

NPY = "application/x-npy"
OCTETS = "application/octet-stream"
SHARED = settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture(scope="module")
def http() -> Iterator[TestClient]:
    with TestClient(Kitchen.replace()) as client:
        yield client


def saved(array: Any) -> bytes:
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


def post(http: TestClient, path: str, array: Any, **headers: str) -> Any:
    return http.post(path, content=saved(array), headers={"content-type": NPY, **headers})


def test_a_method_does_the_same_with_an_array_however_it_came(http: TestClient) -> None:
    rows = [[1.0, 2.0], [3.0, 4.5]]
    as_json = http.post("/doubled", json=rows)
    as_npy = post(http, "/doubled", np.array(rows))
    assert as_npy.status_code == as_json.status_code == 200
    assert as_npy.json() == as_json.json() == [[2.0, 4.0], [6.0, 9.0]]


def test_an_answer_is_a_npy_file_where_accept_names_it(http: TestClient) -> None:
    response = post(http, "/doubled", np.ones((3, 2), "f4"), accept=f"{NPY}, */*;q=0.1")
    assert response.headers.get_list("content-type") == [NPY]
    array = np.load(io.BytesIO(response.content), allow_pickle=False)
    assert array.dtype == np.float32
    assert array.tolist() == [[2.0, 2.0]] * 3


def test_accept_may_be_in_several_headers(http: TestClient) -> None:
    headers = [("accept", NPY), ("accept", "text/html"), ("content-type", "application/json")]
    assert http.post("/doubled", content="[[1,2]]", headers=headers).headers["content-type"] == NPY


def test_what_can_only_be_json_is_json_whatever_is_accepted(http: TestClient) -> None:
    response = http.post("/add", json={"a": 1}, headers={"accept": NPY})
    assert response.headers["content-type"] == "application/json"


def test_errors_are_problems_whatever_is_accepted(http: TestClient) -> None:
    for array in [np.ones(2), np.ones((1, 3))]:
        response = post(http, "/doubled", array, accept=NPY)
        assert response.status_code == 422
        assert response.headers["content-type"] == "application/problem+json"
        assert "shape" in response.json()["detail"]


def test_labels_and_lists_are_answered_as_files_too(http: TestClient) -> None:
    for kind, found in [("labels", ["good", "bad"]), ("lists", [[1, 2], [3, 4]])]:
        response = http.post("/strange", json=kind, headers={"accept": NPY})
        assert np.load(io.BytesIO(response.content), allow_pickle=False).tolist() == found


@pytest.mark.parametrize("kind", ["objects", "ragged"])
def test_an_answer_that_no_file_holds_is_a_500(http: TestClient, kind: str) -> None:
    response = http.post("/strange", json=kind, headers={"accept": NPY})
    assert response.status_code == 500
    assert response.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"[[1, 2]]", 400),
        (saved(np.ones((1, 2)))[:-1], 400),
        (saved(np.array([{}], object)), 422),
        (saved(np.ones((1, 2), "M8[s]")), 422),
    ],
)
def test_a_bad_file_is_the_callers_error(http: TestClient, body: bytes, status: int) -> None:
    response = http.post("/doubled", content=body, headers={"content-type": NPY})
    assert response.status_code == status
    assert response.headers["content-type"] == "application/problem+json"


def test_the_types_that_are_accepted_are_named(http: TestClient) -> None:
    response = http.post("/doubled", content=b"", headers={"content-type": "text/csv"})
    assert response.status_code == 415
    assert "application/json or application/x-npy" in response.json()["detail"]
    response = http.post("/add", content=b"", headers={"content-type": NPY})
    assert response.status_code == 415


def test_a_large_file_that_comes_in_parts_is_one_array(http: TestClient) -> None:
    body = saved(np.zeros((1000, 1000), "f4"))
    parts = (body[at : at + 65536] for at in range(0, len(body), 65536))
    response = http.post("/any_array", content=parts, headers={"content-type": NPY})
    assert response.json() == "float32 (1000, 1000)"


def has_values(array: Any) -> bool:
    """Whether it is of numbers, booleans, or text that has a UTF-8 form."""
    if array.dtype.kind != "U":
        return array.dtype.kind in "biuf"
    return not any("\ud800" <= letter <= "\udfff" for text in array.flat for letter in text)


@SHARED
@given(
    st_np.arrays(
        st_np.scalar_dtypes() | st_np.unicode_string_dtypes() | st_np.array_dtypes(),
        st_np.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=3),
    )
)
@pytest.mark.filterwarnings("ignore:Stored array in format")
def test_any_array_is_taken_or_refused(http: TestClient, array: Any) -> None:
    response = post(http, "/any_array", array)
    if array.ndim and array.size and array.dtype.itemsize and has_values(array):
        dtype = array.dtype.newbyteorder("=")
        assert response.json() == f"{dtype} {array.shape}"
    else:
        assert response.status_code == 422, response.text


@settings(SHARED, max_examples=400)
@given(
    changes=st.lists(st.tuples(st.integers(0, 135), st.integers(0, 255)), min_size=1, max_size=4),
    cut=st.integers(0, 30),
    more=st.binary(max_size=3),
    path=st.sampled_from(["/doubled", "/any_array"]),
)
@pytest.mark.filterwarnings("ignore")  # of the parsers of headers
def test_changed_files_are_never_a_server_error(
    http: TestClient, changes: list[tuple[int, int]], cut: int, more: bytes, path: str
) -> None:
    body = bytearray(saved(np.array([[1.0, 2.0], [3.0, 4.0]], "f4")))
    for place, byte in changes:
        body[place] = byte
    content = bytes(body[: len(body) - cut]) + more
    response = http.post(path, content=content, headers={"content-type": NPY, "accept": NPY})
    assert response.status_code in {200, 400, 422}


@SHARED
@given(st.binary(max_size=100))
def test_bytes_come_and_go_as_they_are(http: TestClient, data: bytes) -> None:
    response = http.post("/reverse", content=data, headers={"content-type": OCTETS})
    assert response.headers.get_list("content-type") == [OCTETS]
    assert response.content == data[::-1]


def test_bytes_are_not_taken_as_json(http: TestClient) -> None:
    response = http.post("/reverse", json="abc")
    assert response.status_code == 415
    assert OCTETS in response.json()["detail"]


def test_a_method_may_name_the_type_of_its_bytes(http: TestClient) -> None:
    response = http.post("/picture")
    assert response.headers.get_list("content-type") == ["image/png"]
    assert response.content == b"\x89PNG"


def test_an_answer_that_is_no_bytes_is_a_500(http: TestClient) -> None:
    assert http.post("/no_bytes").status_code == 500
