"""Which URLs are taken, and that none with a password is ever shown."""

import pytest

from minibento.errors import RemoteError
from minibento.remotes.address import Address
from minibento.remotes.place import RegistryPlace, is_loopback


@pytest.mark.parametrize(
    ("url", "place", "tag"),
    [
        ("oci://host/credit", "host/credit", None),
        ("oci://host:5000/team/credit", "host:5000/team/credit", None),
        ("oci://host:5000/team/credit:v1", "host:5000/team/credit", "v1"),
        ("oci://[::1]:5000/credit:Prod_2", "[::1]:5000/credit", "Prod_2"),
        ("s3://models/team/credit:production", "models/team/credit", "production"),
        ("file:///srv/a b/credit", "/srv/a b/credit", None),
        ("file:///srv/a:b/credit:v1", "/srv/a:b/credit", "v1"),
        ("file:///srv/me@work/credit", "/srv/me@work/credit", None),
    ],
)
def test_a_url_is_a_place_and_perhaps_a_tag(url: str, place: str, tag: str | None) -> None:
    address = Address.parse(url)
    assert (address.place, address.tag) == (place, tag)
    assert str(address) == url


@pytest.mark.parametrize(
    "url",
    [
        "",
        "credit",
        "/srv/credit",
        "https://host/credit",
        "ftp://host/credit",
        "oci://host",
        "oci://host/",
        "oci:///credit",
        "oci://host/Credit",
        "oci://host/credit:",
        "oci://host/credit:a b",
        "oci://host/credit:-rf",
        "oci://host/a/../b",
        "oci://host/a//b",
        "oci://ho st/a",
        "oci://host/credit\n",
        "oci://host/$(id)",
        "oci://host/credit?x=1",
        "oci://host/credit@sha256:00",
        "s3://bucket",
        "s3://bucket/../x",
        "s3://b\x00cket/x",
        "file://credit",
        "file://host/srv/credit",
        "file:///",
        "file:///srv/../etc",
        "file:///srv/%2e%2e/etc",
        "file:///srv/a\nb",
    ],
)
def test_anything_else_is_refused_with_what_is_taken(url: str) -> None:
    with pytest.raises(RemoteError, match=r"oci://HOST|s3://BUCKET|file:///ABSOLUTE"):
        Address.parse(url)


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("/srv/credit", "file:///srv/credit"),
        ("host:5000/credit", "oci://host:5000/credit"),
        ("https://host/team/credit:v1", "oci://host/team/credit:v1"),
        ("docker://host/credit", "oci://host/credit"),
    ],
)
def test_a_path_or_registry_without_its_scheme_is_answered_with_it(given: str, meant: str) -> None:
    with pytest.raises(RemoteError, match=rf"did you mean {meant}\?"):
        Address.parse(given)


@pytest.mark.parametrize(
    "url",
    [
        "oci://me:hunter2@host/credit",
        "oci://hunter2@host/credit:v1",
        "s3://key:hunter2@bucket/credit",
        "me:hunter2@host/credit",
        "https://me:hunter2@host/credit",
        "https://host/credit?X-Amz-Signature=hunter2",
        "oci://host/credit?token=hunter2#hunter2",
    ],
)
def test_a_password_in_a_url_is_refused_and_not_repeated(url: str) -> None:
    with pytest.raises(RemoteError) as caught:
        Address.parse(url)
    assert "hunter2" not in str(caught.value)
    if "@" in url:
        assert "docker login" in str(caught.value)


@pytest.mark.parametrize(
    ("url", "server"),
    [
        ("oci://ghcr.io/a/b", "https://ghcr.io/v2/a/b"),
        ("oci://10.0.0.1:5000/a", "https://10.0.0.1:5000/v2/a"),
        ("oci://127.0.0.1.evil.com/a", "https://127.0.0.1.evil.com/v2/a"),
        ("oci://docker.io/me/a", "https://registry-1.docker.io/v2/me/a"),
        ("oci://localhost:5000/a", "http://localhost:5000/v2/a"),
        ("oci://127.8.0.1:5000/a", "http://127.8.0.1:5000/v2/a"),
        ("oci://[::1]:5000/a", "http://[::1]:5000/v2/a"),
    ],
)
def test_only_this_machine_is_asked_without_tls(url: str, server: str) -> None:
    assert RegistryPlace(Address.parse(url)).url == server


def test_loopback_is_told_without_asking_for_names() -> None:
    assert is_loopback("LOCALHOST")
    assert not is_loopback("localhost.example.org")
    assert not is_loopback("169.254.169.254")
