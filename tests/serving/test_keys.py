from __future__ import annotations

from pathlib import Path

import pytest

from maskwise.errors import UserError
from maskwise.serving.keys import KeyRing, read_keys

KEY, OTHER = "k" * 16, "another-key-of-ours"


def test_keys_are_lines_of_a_file(tmp_path: Path) -> None:
    (tmp_path / "keys").write_text(f"# ours\n\n  {KEY}  \n{OTHER}\n")
    assert read_keys(tmp_path / "keys") == (KEY, OTHER)


@pytest.mark.parametrize(
    "text, message",
    [
        ("", "one without any"),
        ("# none\n", "one without any"),
        ("é" * 20, "other bytes"),
        (f"{KEY}\nshort", "key 2 of"),
    ],
)
def test_useless_files_are_refused(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "keys").write_text(text)
    with pytest.raises(UserError, match=message) as error:
        read_keys(tmp_path / "keys")
    assert KEY not in str(error.value)


@pytest.mark.parametrize(
    "name, value, fits",
    [
        ("authorization", f"Bearer {KEY}", True),
        ("authorization", f"bearer  {OTHER}", True),
        ("x-api-key", KEY, True),
        ("x-api-key", OTHER, True),
        ("authorization", f"Basic {KEY}", False),
        ("authorization", KEY, False),
        ("x-api-key", KEY[:-1], False),
        ("x-api-key", f"{KEY}k", False),
        ("x-api-key", "", False),
        ("cookie", KEY, False),
    ],
)
def test_who_shows_a_key_is_let_in(name: str, value: str, fits: bool) -> None:
    assert KeyRing((KEY, OTHER)).accepts({name.encode(): value.encode()}) is fits


def test_without_keys_everybody_is_let_in() -> None:
    assert KeyRing(()).accepts({})
    assert not KeyRing((KEY,)).accepts({})
