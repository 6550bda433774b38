"""Where the store is."""

from pathlib import Path

import pytest

from minibento.errors import StoreError
from minibento.store.home import home


def test_the_store_is_where_the_variable_says(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("MINIBENTO_HOME", str(tmp_path))
    assert home() == tmp_path


def test_without_the_variable_or_with_an_empty_one_it_is_in_the_users_home(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("MINIBENTO_HOME", "")
    assert home() == tmp_path / "minibento"
    monkeypatch.delenv("MINIBENTO_HOME")
    assert home() == tmp_path / "minibento"


def test_a_relative_folder_is_made_absolute_and_a_tilde_is_followed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MINIBENTO_HOME", "here")
    assert home() == tmp_path / "here"
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("MINIBENTO_HOME", "~/there")
    assert home() == tmp_path / "there"


def test_an_unknown_users_home_is_an_error_with_the_mend(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MINIBENTO_HOME", "~no-such-user-here/x")
    with pytest.raises(StoreError, match="set MINIBENTO_HOME"):
        home()
