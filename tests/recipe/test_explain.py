from __future__ import annotations

import re
from typing import Annotated, Literal

import pytest
from pydantic import Field, ValidationError

from maskwise.errors import RecipeError
from maskwise.recipe.config import Recipe
from maskwise.recipe.explain import explain, infinite_numbers, shown
from maskwise.recipe.load import parse_recipe
from maskwise.settings import Settings

SMALLEST = "name: t\nsplit: {kind: hold_out}\nmodel: {}\n"
FORMULA = re.compile(r"^my\.yaml: \S+ must be .+, got .+\. .+[.?]$")


def problems_of(*changes: str, text: str = SMALLEST) -> list[str]:
    with pytest.raises(RecipeError) as caught:
        parse_recipe(text, "my.yaml", changes)
    return list(caught.value.problems)


@pytest.mark.parametrize(
    "change, message",
    [
        # Unknown settings.
        ("trian={}", "trian must be a known setting, got 'trian'. Did you mean 'train'? Legal: "),
        ("train.epochz=3", "train.epochz must be a known setting, got 'epochz'. Did you mean 'epochs'? Legal: "),
        ("epochs=3", "epochs must be a known setting, got 'epochs'. Did you mean train.epochs? Legal: "),
        ("share=3", "share must be a known setting, got 'share'. Did you mean split.share or "),
        (
            "augment=[{kind: flip, q: 1}]",
            "augment.0.q must be a known setting of the kind flip, got 'q'. Legal: kind, p.",
        ),
        (
            "model.neck={kind: linear, featurs: 3}",
            "model.neck.featurs must be a known setting of the kind linear, got 'featurs'. Did you mean 'features'?",
        ),
        (
            "loss={kind: weighted_sum, terms: [{weight: 1, loss: {kind: focal, gama: 1}}]}",
            "loss.terms.0.loss.gama must be a known setting of the kind focal, got 'gama'. Did you mean 'gamma'?",
        ),
        (
            "train.checkpoint={kind: last, share: 0.1}",
            "train.checkpoint.share must be a known setting of the kind last, got 'share'. Legal: kind.",
        ),
        # Unknown kinds.
        ("loss.kind=focul", "loss.kind must be a known kind, got 'focul'. Did you mean 'focal'? Legal: "),
        ("train.optimizer.kind=adamm", "train.optimizer.kind must be a known kind, got 'adamm'. Did you mean 'adam'?"),
        (
            "augment=[{kind: flip}, {kind: flop}]",
            "augment.1.kind must be a known kind, got 'flop'. Did you mean 'flip'?",
        ),
        ("model.neck={kind: linaer}", "model.neck.kind must be a known kind, got 'linaer'. Did you mean 'linear'?"),
        ("targets=[{kind: smooth}]", "targets.0.kind must be a known kind, got 'smooth'."),
        ("split.kind=by_foto", "split.kind must be a known kind, got 'by_foto'. Legal: everyone, hold_out, k_fold."),
        ("loss.kind=5", "loss.kind must be a known kind, got '5'. Legal: "),
        ("loss={gamma: 2}", "loss.kind must be given, got nothing. Legal: "),
        # Wrong types.
        ("train.epochs=eight", "train.epochs must be a whole number, got 'eight'. Change it"),
        ("train.epochs=8.0", "train.epochs must be a whole number, got 8.0. Change it"),
        ("train.epochs=true", "train.epochs must be a whole number, got true. Change it"),
        ("train.epochs=", "train.epochs must be a whole number, got nothing. Change it"),
        ("seed=010", "seed must be a whole number, got '010'. Change it"),
        ("train.clip_norm=abc", "train.clip_norm must be a number, got 'abc'. Change it"),
        ("name=1e-3", "name must be text, got 0.001. Put it in quotes."),
        ("name=a b", "name must be of the form ^[A-Za-z0-9]"),
        ("train=5", "train must be a group of settings, got 5. Write it as {setting: value}."),
        ("loss=focal", "loss must be a group of settings, got 'focal'. Write it as {kind: …}."),
        ("data.corrections=consensus", "data.corrections must be a list, got 'consensus'. Write it as [first, second]"),
        (
            "train.precision=fp8",
            "train.precision must be 'fp32', 'bf16', 'fp16' or 'auto', got 'fp8'. Choose one of them.",
        ),
        # Out of range.
        ("train.batch_size=1", "train.batch_size must be greater than or equal to 2, got 1. Change it"),
        ("targets=[{kind: label_smoothing, epsilon: 1}]", "targets.0.epsilon must be less than 1, got 1. Change it"),
        ("train.clip_norm=.inf", "train.clip_norm must be a finite number, got inf. Change it"),
        (
            "train={optimizer: {kind: adamw, rate: .nan}}",
            "train.optimizer.rate must be a finite number, got nan. Change",
        ),
        # Missing.
        ("model.weights={kind: path}", "model.weights.file must be given, got nothing. Add it to the recipe."),
    ],
)
def test_one_fault_is_one_line_with_address_rule_value_and_remedy(change: str, message: str) -> None:
    (problem,) = problems_of(change)
    assert problem.startswith(f"my.yaml: {message}")
    assert FORMULA.match(problem)


@pytest.mark.parametrize(
    "changes, message",
    [
        (["train.warmup_epochs=4"], "train.warmup_epochs must be below train.epochs (4), got 4.0."),
        (["train.freeze_backbone_epochs=5"], "train.freeze_backbone_epochs must be at most train.epochs (4), got 5."),
        (
            ["train.schedule.kind=step"],
            "train.schedule.step_epochs must be below train.epochs less train.warmup_epochs (4)",
        ),
        (["train.checkpoint={kind: inner_hold_out, patience_epochs: 4}"], "train.checkpoint.patience_epochs must be"),
        (["task.train_age_borders_years=[30, 60]"], "task.train_age_borders_years would have no effect here."),
        (["task.train_age_borders_years=[30]"], "task.train_age_borders_years must be as many as"),
        (["task.age_borders_years=[60, 30]"], "task.age_borders_years must be a rising list of ages"),
        (["task.attributes=[mask, mask]"], "task.attributes must be a list of different attributes"),
        (["predict.views=[as_is, as_is]"], "predict.views must be one or more different views."),
        (["predict.fold_views=in_turn"], "predict.fold_views must be all with one view, got in_turn."),
        (
            ["loss={kind: weighted_sum, terms: [{weight: 1, loss: {kind: f1}}]}"],
            "loss.terms must be two or more, got 1.",
        ),
        (
            ["model.weights.kind=bundled", "model.backbone={kind: timm, name: resnet18}"],
            "model.weights must be of another",
        ),
        (["model.weights.kind=pretrained", "model.backbone.kind=baseline_cnn"], "model.weights must be none or path"),
    ],
)
def test_a_setting_without_effect_or_sense_is_refused(changes: list[str], message: str) -> None:
    (problem,) = problems_of(*changes)
    assert problem.startswith(f"my.yaml: {message}")


def test_a_split_by_photo_is_refused_with_the_reason() -> None:
    for change in ("split.kind=by_photo", "split={kind: by_photo, seed: 3}", "split={kind: by_photo, share: 0.2}"):
        (problem,) = problems_of(change)
        assert problem.startswith("my.yaml: split.kind must be hold_out or k_fold, ")
        assert "got 'by_photo'." in problem
        assert "0.93" in problem
        assert "0.71" in problem


def test_all_problems_are_reported_at_once_one_line_each() -> None:
    text = "name: t\nepochs: 3\nsplitt: {}\ntrain: {epochs: x, batch_size: 1, optimizer: {kind: sdg}}\nmodel: null\n"
    problems = problems_of(text=text)
    addresses = [problem.split()[1] for problem in problems]
    assert sorted(addresses) == [
        "epochs",
        "model",
        "split",
        "splitt",
        "train.batch_size",
        "train.epochs",
        "train.optimizer.kind",
    ]
    assert all(FORMULA.match(problem) for problem in problems)


def test_the_legal_words_are_reported_in_full() -> None:
    assert problems_of("split={}")[0].endswith("Legal: everyone, hold_out, k_fold.")
    message = problems_of("spit=1")[0]
    assert set(message.partition("Legal: ")[2].rstrip(".").split(", ")) == set(Recipe.model_fields)


def test_two_faults_of_one_group_are_two_lines() -> None:
    problems = problems_of("train={epochs: 2, warmup_epochs: 2, freeze_backbone_epochs: 3}")
    assert [problem.split()[1] for problem in problems] == ["train.warmup_epochs", "train.freeze_backbone_epochs"]


def test_a_kind_that_is_only_there_to_be_refused_is_never_offered() -> None:
    for change in ("split.kind=x", "split={}", "split.foto=1"):
        assert "by_photo" not in problems_of(change)[0]


class _A(Settings):
    kind: Literal["a"] = "a"


class _B(Settings):
    kind: Literal["b"] = "b"
    size: int = 0


_Union = Annotated[_A | _B, Field(discriminator="kind")]


class _Optional(Settings):
    one: _Union | None = None
    many: tuple[_Union, ...] | None = None


@pytest.mark.parametrize(
    "given, message",
    [
        (
            '{"one": {"kind": "b", "sise": 1}}',
            "one.sise must be a known setting of the kind b, got 'sise'. Did you mean",
        ),
        ('{"one": {"kind": "c"}}', "one.kind must be a known kind, got 'c'. Legal: a, b."),
        ('{"many": [{"kind": "a", "x": 1}]}', "many.0.x must be a known setting of the kind a, got 'x'. Legal: kind."),
        ('{"many": [{"kind": "a"}, {"kind": "b", "size": "q"}]}', "many.1.size must be a whole number, got 'q'."),
        ('{"many": [{}]}', "many.0.kind must be given, got nothing. Legal: a, b."),
        ('{"many": 3}', "many must be a list, got 3."),
    ],
)
def test_addresses_go_through_what_may_be_left_out(given: str, message: str) -> None:
    with pytest.raises(ValidationError) as caught:
        _Optional.model_validate_json(given)
    (line,) = explain(caught.value, _Optional)
    assert line.startswith(message)


@pytest.mark.parametrize(
    "value, text",
    [(None, "nothing"), (True, "true"), (1.5, "1.5"), ("a", "'a'"), (["é"], '["é"]'), ("x" * 99, "'" + "x" * 79 + "…")],
)
def test_values_are_shown_as_in_yaml_and_cut(value: object, text: str) -> None:
    assert shown(value) == text


def test_every_infinite_number_is_found() -> None:
    settings = {"a": [1.0, {"b": float("inf")}], "c": float("nan"), "d": "inf", "e": None}
    assert [line.split()[0] for line in infinite_numbers(settings)] == ["a.1.b", "c"]
