import pytest

from minibento.asgi.route_path import route_path


@pytest.mark.parametrize(
    ("path", "root", "below"),
    [
        ("/classify", "", "/classify"),
        ("/api/classify", "/api", "/classify"),
        ("/api", "/api", ""),
        ("/apiary", "/api", "/apiary"),
        ("//evil/apply", "/proxy", "//evil/apply"),
    ],
)
def test_a_path_is_cut_only_where_it_lies_below_the_mount(path: str, root: str, below: str) -> None:
    assert route_path({"path": path, "root_path": root}) == below
