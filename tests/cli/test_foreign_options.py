"""What is said of options that other programs have."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

from maskwise.cli.foreign_options import SETTINGS, SIZES, way_out
from maskwise.cli.main import app
from maskwise.errors import UserError
from maskwise.recipe.addresses import settings_of
from maskwise.recipe.load import load_recipe


def test_every_setting_that_is_named_is_one_of_a_recipe() -> None:
    known = settings_of(load_recipe("quick").model_dump(mode="json"))
    assert set(SETTINGS.values()) <= set(known)
    assert {"input.height_px", "input.width_px"} <= set(known)


@pytest.mark.parametrize("option", [*SETTINGS, *SIZES])
def test_an_option_of_other_trainers_names_its_setting(option: str) -> None:
    path = SETTINGS.get(option, "input.width_px")
    assert f"--set {path}=3" in str(way_out(option, ("train", "quick", option, "3")))
    assert f"--set {path}=3" in str(way_out(option, ("sweep", "optimizer", f"{option}=3")))


def test_the_way_out_reaches_the_command_line() -> None:
    result = CliRunner().invoke(app, ["train", "quick", "--epochs", "3"])
    assert isinstance(result.exception, UserError)
    assert "--set train.epochs=3" in str(result.exception)


def test_other_verbs_are_shown_their_words() -> None:
    assert "maskwise predict best" in str(way_out("--model", ("predict", "--model", "best", "x.jpg")))
    assert "--out p.csv" in str(way_out("--output", ("predict", "best", "x", "--output", "p.csv")))
    assert "predict RUN photos" in str(way_out("--source", ("predict", "--source", "photos")))


def test_an_option_that_nobody_has_is_left_to_the_usual_message() -> None:
    assert way_out("--epochz", ("train", "quick", "--epochz", "3")) is None
    assert way_out(None, ("train",)) is None
    assert CliRunner().invoke(app, ["train", "quick", "--epochz", "3"]).exit_code == 2
