"""What is said of options that other programs have."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

from maskwise.cli.foreign_options import way_out
from maskwise.cli.main import app
from maskwise.errors import UserError
from maskwise.recipe.other_words import OTHER_WORDS


@pytest.mark.parametrize(
    "option", ["--epochs", "--batch", "--lr", "--device", "--seed", "--name", "--workers", "--model"]
)
def test_an_option_of_other_trainers_names_its_setting(option: str) -> None:
    path = OTHER_WORDS[option.lstrip("-")]
    assert f"--set {path}=3" in str(way_out(option, ("train", "quick-imagenet", option, "3")))
    assert f"--set {path}=3" in str(way_out(option, ("sweep", "optimizer", f"{option}=3")))


def test_one_size_is_height_and_width() -> None:
    printed = str(way_out("--imgsz", ("train", "quick-imagenet", "--imgsz", "96")))
    assert "--set input.height_px=96 --set input.width_px=96" in printed


def test_the_way_out_reaches_the_command_line() -> None:
    result = CliRunner().invoke(app, ["train", "quick-imagenet", "--epochs", "3"])
    assert isinstance(result.exception, UserError)
    assert "--set train.epochs=3" in str(result.exception)


def test_other_verbs_are_shown_their_words() -> None:
    assert "maskwise predict best" in str(way_out("--model", ("predict", "--model", "best", "x.jpg")))
    assert "--out p.csv" in str(way_out("--output", ("predict", "best", "x", "--output", "p.csv")))
    assert "predict RUN photos" in str(way_out("--source", ("predict", "--source", "photos")))


def test_an_option_that_nobody_has_is_left_to_the_usual_message() -> None:
    assert way_out("--epochz", ("train", "quick-imagenet", "--epochz", "3")) is None
    assert way_out(None, ("train",)) is None
    assert CliRunner().invoke(app, ["train", "quick-imagenet", "--epochz", "3"]).exit_code == 2


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("board --price x", "--price must be a number, got 'x'. See `maskwise board -h`."),
        ("data demo out --people x", "--people must be a whole number, got 'x'. See `maskwise data demo -h`."),
        (
            "serve bundle --port 99999",
            "--port must be less than or equal to 65535, got '99999'. See `maskwise serve -h`.",
        ),
        ("eda faces --language xx", "--language must be one of 'en', 'ko', got 'xx'. See `maskwise eda -h`."),
    ],
)
def test_a_value_that_an_option_does_not_take_is_refused_in_a_line(words: str, said: str) -> None:
    result = CliRunner().invoke(app, words.split())
    assert isinstance(result.exception, UserError)
    assert result.exception.problems == (said,)


def test_a_missing_argument_is_left_to_the_usual_message() -> None:
    result = CliRunner().invoke(app, ["train"])
    assert result.exit_code == 2
    assert "Missing argument 'RECIPE…'" in result.output
