from __future__ import annotations

import pytest

from maskwise.errors import UserError
from maskwise.serving.config import ServeSettings, parse_settings, settings_table


def test_options_and_changes_become_settings() -> None:
    settings = parse_settings({"port": 1}, ["batch_wait_ms=0", "allow_hosts=[a.example, b.example]", "threads=2"])
    assert settings == ServeSettings(port=1, batch_wait_ms=0, allow_hosts=("a.example", "b.example"), threads=2)
    assert settings.local
    assert not ServeSettings(host="0.0.0.0").local


@pytest.mark.parametrize(
    "changes, named",
    [
        (["queue_image=3"], "queue_images"),
        (["port=70000"], "port must be"),
        (["threads=two"], "threads must be"),
        (["body_bytes=1000000000"], "held_bytes must be at least body_bytes"),
        (["request_images=65"], "queue_images must be at least request_images"),
        (["header_seconds=.inf"], "header_seconds must be a finite number"),
    ],
)
def test_wrong_settings_are_named(changes: list[str], named: str) -> None:
    with pytest.raises(UserError, match=named):
        parse_settings({}, changes)


def test_every_setting_says_what_it_does() -> None:
    table = settings_table().splitlines()
    assert len(table) == 2 * len(ServeSettings.model_fields)
    assert "queue_images = 64" in table
    assert all(len(line) > 20 for line in table[1::2])
