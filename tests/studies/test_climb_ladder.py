"""The ladder: its recipes and what each day changes, its sizes, its votes, and its table by numbers made by hand."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import pytest

from maskwise.ensembles.config import HardVote, SoftVote
from maskwise.errors import RecipeError
from maskwise.evaluation.comparison import TaskDifference
from maskwise.evaluation.scores import TaskScores
from maskwise.faces.config import CenterCrop, FaceCrop, FullFrame
from maskwise.models.config import BaselineCnn, BundledWeights
from maskwise.recipe.identity import run_id
from maskwise.recipe.load import ladder_names, load_recipe, shipped_names, shipped_summary, shipped_text
from maskwise.recipe.optimizer_config import SGD, Adam
from maskwise.recipe.train_config import Last
from maskwise.score import Score
from maskwise.store.runs import StoredRun
from maskwise.studies.budgets import format_budget
from maskwise.studies.climb_ladder import ClimbedRung, LadderScores, RungScore, join_or_read, score_ladder
from maskwise.studies.format_ladder import format_ladder
from maskwise.studies.ladder_rungs import (
    FULL,
    RUNGS,
    SMALL,
    Rung,
    Vote,
    plan_ladder,
    sized_rung,
    small_budget,
    small_size,
)
from maskwise.studies.published_ladder import PUBLISHED
from maskwise.text_table import text_width
from support.finished_runs import add_run, gain_of, run_record

WIDE = 1000
"""Columns of a terminal on which nothing is broken."""

RUNG_OF = {rung.day: rung for rung in RUNGS}
CHANGED = {
    "2": {"sampling", "augment", "model.backbone", "model.neck", "model.dropout", "model.weights", "train.optimizer"},
    "3": {"input.crop", "sampling"},
    "4–5": {
        "input.crop",
        "input.height_px",
        "input.width_px",
        "sampling",
        "loss",
        "train.schedule",
        "train.precision",
        "train.freeze_backbone_epochs",
        "train.batch_size",
        "train.accumulate_batches",
    },
    "6": {
        "task.train_age_borders_years",
        "train.optimizer",
        "train.freeze_backbone_epochs",
        "train.batch_size",
        "train.accumulate_batches",
    },
    "7": {"sampling", "model.head", "targets"},
    "8": {"sampling", "model.head", "targets", "augment", "mixing"},
    "9": {"augment", "mixing", "split"},
    "10": {"split"},
    "11": {"loss"},
    "final": {"sampling"},
}
"""What differs from the day before; a vote comes on top on days 10 and 11, and goes again in the final recipe."""


def settings_of(reference: str) -> dict[str, Any]:
    """The settings of a recipe by address; groups that are a kind stay whole."""
    flat: dict[str, Any] = {}
    for name, value in load_recipe(reference).model_dump(mode="json").items():
        if isinstance(value, dict) and "kind" not in value:
            flat |= {f"{name}.{inner}": below for inner, below in value.items()}
        else:
            flat[name] = value
    return flat


# --- the recipes ---------------------------------------------------------------------------------------------------


def test_the_rungs_are_the_shipped_recipes_and_the_published_days_in_order() -> None:
    assert [rung.recipe for rung in RUNGS] == [*ladder_names(), "final"]
    assert [rung.day for rung in RUNGS] == list(PUBLISHED)
    assert [rung.title for rung in RUNGS][-2:] == ["day 11", "final"]
    assert not any("/" in name for name in shipped_names())


@pytest.mark.parametrize("reference", ladder_names())
def test_every_recipe_of_the_ladder_says_its_command_its_score_and_its_day(reference: str) -> None:
    first, second, *_ = shipped_text(reference).splitlines()
    assert first == f"# maskwise train {reference} --data DIR"
    assert second.endswith("see docs/ladder.md.")
    assert shipped_summary(reference).startswith("Day")
    assert load_recipe(reference).name == reference.partition("/")[2]


@pytest.mark.parametrize("before, after", list(itertools.pairwise(RUNGS)), ids=lambda rung: rung.day)
def test_each_day_changes_what_it_says_and_nothing_else(before: Rung, after: Rung) -> None:
    one, two = settings_of(before.recipe), settings_of(after.recipe)
    assert {name for name in one if one[name] != two[name]} - {"name"} == CHANGED[after.day]


def test_the_same_people_are_held_out_on_every_rung() -> None:
    splits = [load_recipe(rung.recipe).split for rung in RUNGS]
    kinds = [split.kind for split in splits]
    assert kinds == ["k_fold" if rung.day == "9" else "hold_out" for rung in RUNGS]
    assert len({split.model_dump_json() for split in splits if split.kind == "hold_out"}) == 1


def test_a_vote_joins_earlier_days_and_its_recipe_names_them() -> None:
    days = list(RUNG_OF)
    votes = {rung.day: rung.vote for rung in RUNGS if rung.vote}
    assert {day: vote.kind.kind for day, vote in votes.items()} == {"10": "soft_vote", "11": "hard_vote"}
    for day, vote in votes.items():
        assert all(days.index(other) < days.index(day) for other in vote.with_days)
        assert f"days {' and '.join(vote.with_days)}." in shipped_summary(RUNG_OF[day].recipe)


def test_an_unknown_day_names_the_nearest() -> None:
    with pytest.raises(RecipeError, match=r"got 'ladder/day-4'. Did you mean 'ladder/day-04'\?"):
        load_recipe("ladder/day-4")
    with pytest.raises(RecipeError, match="must be a shipped one"):
        load_recipe("ladder/../quick")


# --- the sizes -----------------------------------------------------------------------------------------------------


def test_the_small_budget_shrinks_every_rung_alike() -> None:
    recipes = {planned.rung.day: planned.recipe for planned in plan_ladder(SMALL)}
    assert len(recipes) == len(RUNGS)
    for recipe in recipes.values():
        assert recipe.train.epochs == 2
        assert recipe.train.freeze_backbone_epochs == 0
        assert recipe.train.precision == "fp32"
        assert isinstance(recipe.train.checkpoint, Last)
    assert isinstance(recipes["1"].model.backbone, BaselineCnn)
    assert all(isinstance(recipe.model.weights, BundledWeights) for day, recipe in recipes.items() if day != "1")
    assert isinstance(recipes["2"].train.optimizer, SGD)
    assert recipes["2"].train.optimizer.rate == 0.01
    assert recipes["final"].train.optimizer == Adam(rate=0.001)


def test_small_rungs_keep_the_shape_of_their_crop_on_the_photos_at_hand() -> None:
    def sizes(photo_px: tuple[int, int]) -> dict[str, tuple[int, int]]:
        plan = plan_ladder(small_budget(photo_px))
        return {each.rung.day: (each.recipe.input.height_px, each.recipe.input.width_px) for each in plan}

    # CenterCrop(400, 200) of 512 × 384 is 400 × 200; of 200 × 176 it is the whole photo.
    assert (sizes((512, 384))["1"], sizes((512, 384))["6"]) == ((120, 88), (144, 72))
    assert (sizes((200, 176))["1"], sizes((200, 176))["6"]) == ((112, 96), (112, 96))


@pytest.mark.parametrize("photo_px", [(512, 384), (200, 176), (300, 300)])
def test_no_face_is_squeezed_by_a_tenth(photo_px: tuple[int, int]) -> None:
    for crop, shape in (
        (FullFrame(), photo_px[0] / photo_px[1]),
        (CenterCrop(height_px=400, width_px=200), min(400, photo_px[0]) / min(200, photo_px[1])),
        (FaceCrop(width_over_height=0.5), 2.0),
    ):
        height, width = small_size(crop, photo_px)
        assert height / width == pytest.approx(shape, rel=0.08)
        assert height * width == pytest.approx(112 * 96, rel=0.1)


def test_small_rungs_still_differ_and_keep_what_their_day_is_about() -> None:
    plan = plan_ladder(SMALL)
    assert len({run_id(planned.recipe, "") for planned in plan}) == len(plan)
    assert len({planned.recipe.name for planned in plan}) == len(plan)
    for before, after in itertools.pairwise(plan):
        kept = CHANGED[after.rung.day] & {"sampling", "augment", "loss", "mixing", "targets", "split"}
        for name in kept:
            assert getattr(after.recipe, name) == getattr(load_recipe(after.rung.recipe), name)
            assert getattr(after.recipe, name) != getattr(before.recipe, name)


def test_the_full_budget_is_the_shipped_recipes() -> None:
    for planned in plan_ladder(FULL):
        assert run_id(planned.recipe, "") == run_id(load_recipe(planned.rung.recipe), "")
    assert format_budget(FULL, [], "every rung") == ["budget full: the recipes as they are shipped"]


def test_own_changes_come_last_and_reach_every_rung() -> None:
    own = ["train.epochs=1", "model.backbone.kind=baseline_cnn", "model.weights.kind=none", "seed=3"]
    recipes = [planned.recipe for planned in plan_ladder(SMALL, own)]
    assert {(recipe.train.epochs, recipe.model.backbone.kind, recipe.seed) for recipe in recipes} == {
        (1, "baseline_cnn", 3)
    }
    printed = format_budget(SMALL, own, "every rung")
    assert printed[0].startswith("budget small, every rung: train.epochs=2 ")
    assert printed[-1] == f"--set, every rung: {' '.join(own)}"


def test_a_bad_change_is_reported_once() -> None:
    with pytest.raises(RecipeError) as caught:
        plan_ladder(SMALL, ["train.epochz=1", "input.height_px=2"])
    assert [problem.split(" must be ")[0] for problem in caught.value.problems] == [
        "recipe ladder/day-01: input.height_px",
        "recipe ladder/day-01: train.epochz",
    ]


def test_members_of_a_vote_that_become_one_run_are_refused_before_any_training() -> None:
    # Day 10 differs from day 6 by its augmentation alone.
    with pytest.raises(RecipeError) as caught:
        plan_ladder(SMALL, ["augment=[]"])
    assert [problem.split(" of the days ")[0] for problem in caught.value.problems] == [
        f"members of the vote of day {day} must be different runs, got some alike" for day in ("10", "11")
    ]


def test_a_ladder_without_held_out_people_is_refused_before_any_training() -> None:
    # Day 1 keeps the last epoch, as everyone allows.
    with pytest.raises(RecipeError, match=r"split.kind must .*holds people out, got 'everyone'"):
        plan_ladder(SMALL, ["split={kind: everyone}"])


def test_one_rung_can_be_sized_alone() -> None:
    recipe = sized_rung(RUNG_OF["7"], SMALL, ["train.epochs=1"])
    assert (recipe.name, recipe.train.epochs, recipe.model.head.kind) == ("ladder-small-day-07", 1, "attributes")


# --- scores and table ----------------------------------------------------------------------------------------------


def test_rungs_are_scored_on_the_people_whom_all_held_out(tmp_path: Path) -> None:
    # The first run holds out 6 of the 12 people that the second holds out, and reads 3 of them rightly; the second
    # reads 5 of these rightly, and none of the others.
    first = add_run(tmp_path, "one", [True] * 3 + [False] * 3, first=6)
    second = add_run(tmp_path, "two", [False] * 6 + [True] * 5 + [False])
    found = score_ladder(
        [ClimbedRung(RUNG_OF["6"], first, first), ClimbedRung(RUNG_OF["9"], second, second)],
    )
    assert (found.data_name, found.n_photos, found.n_people) == ("faces", 6, 6)
    one, two = found.rungs
    assert one.scores.accuracy.value == 0.5
    assert two.scores.accuracy.value == pytest.approx(5 / 6)
    assert one.change is None
    assert two.change is not None
    assert two.change.accuracy.gain.value == pytest.approx(1 / 3)
    # In pairs, b is right wherever a is: no resample of people can make it worse.
    assert two.change.accuracy.gain.low >= 0
    # Photos 6 … 11 are 0 1 2 0 1 2. The second reads 0 1 2 0 1 0: F1 4/5, 1 and 2/3. The first reads 0 1 2 1 2 0: 1/2.
    assert two.scores.macro_f1.value == pytest.approx((4 / 5 + 1 + 2 / 3) / 3)
    assert two.change.macro_f1.gain.value == pytest.approx((4 / 5 + 1 + 2 / 3) / 3 - 1 / 2)


def test_a_vote_is_joined_once(tmp_path: Path) -> None:
    members = [add_run(tmp_path, name, right) for name, right in (("a", [True, False] * 3), ("b", [True] * 6))]
    joined = join_or_read(tmp_path, members, SoftVote(), "vote", ("maskwise",))
    assert joined.record.name == "vote"
    again = join_or_read(tmp_path, members[::-1], SoftVote(), "other name", ("maskwise",))
    assert again == joined
    assert join_or_read(tmp_path, members, HardVote(), "hard", ("maskwise",)).folder != joined.folder


TWO_DAYS = LadderScores(
    data_name="faces",
    n_photos=1400,
    n_people=200,
    rungs=(
        RungScore(
            ClimbedRung(
                RUNG_OF["9"],
                StoredRun(Path("a"), run_record("a", 100.0)),
                StoredRun(Path("a"), run_record("a", 100.0)),
            ),
            TaskScores(macro_f1=Score(0.25, 0.2, 0.3), accuracy=Score(0.5, 0.45, 0.55)),
            None,
        ),
        RungScore(
            ClimbedRung(
                RUNG_OF["10"],
                StoredRun(Path("b"), run_record("b", 65.0)),
                StoredRun(Path("c"), run_record("c", 400.0)),
            ),
            TaskScores(macro_f1=Score(0.375, 0.3, 0.45), accuracy=Score(0.625, 0.6, 0.65)),
            TaskDifference(macro_f1=gain_of(0.125, 0.01, 0.25), accuracy=gain_of(0.125, -0.02, 0.27)),
        ),
    ),
)


def test_the_table_shows_the_write_up_beside_ours() -> None:
    lines = format_ladder(TWO_DAYS, WIDE).splitlines()
    assert " of 1,400 photos of 200 people" in lines[0]
    run_a, run_c = (run_record(name).run_id[:8] for name in "ac")
    assert lines[2].split() == ["write-up", "ours"]
    scores = ["accuracy", "macro", "F1"]
    assert lines[3].split() == ["day", *scores, *scores, "best", "so", "far", "time", "run"]
    assert lines[4:6] == [
        f"9    0.8004    0.7629    0.500 [0.450, 0.550]  0.250 [0.200, 0.300]  0.250 (day 9)   1m 40s  {run_a}",
        f"10   0.8004    0.7629    0.625 [0.600, 0.650]  0.375 [0.300, 0.450]  0.375 (day 10)  1m 05s  {run_c}",
    ]
    assert lines[7:11] == [
        "change to the day that it builds on",
        "              write-up            ours",
        "day           accuracy  macro F1  accuracy                 macro F1                 better?",
        "10 against 9  +0.000    +0.000    +0.125 [-0.020, +0.270]  +0.125 [+0.010, +0.250]  holds",
    ]


def test_a_worse_day_keeps_the_best_so_far_and_is_compared_with_the_day_it_builds_on(tmp_path: Path) -> None:
    days = {"6": [True] * 6, "7": [True] * 3 + [False] * 3, "8": [True] * 5 + [False]}
    runs = {day: add_run(tmp_path, day, right) for day, right in days.items()}
    found = score_ladder([ClimbedRung(RUNG_OF[day], run, run) for day, run in runs.items()])
    lines = format_ladder(found, WIDE).splitlines()
    assert [line.split("(day ")[1][0] for line in lines[4:7]] == ["6", "6", "6"]
    # Day 8 goes on from day 6, not from day 7: a loss, where against day 7 it would be a gain.
    eighth = found.rungs[2].change
    assert eighth is not None
    assert eighth.accuracy.gain.value == pytest.approx(-1 / 6)
    assert any(line.startswith("8 against 6") for line in lines)


def test_the_table_says_what_each_day_was_and_what_to_mind() -> None:
    text = format_ladder(TWO_DAYS, WIDE)
    write_up, ours = text.partition("day 10\n")[2].splitlines()[:2]
    assert write_up == "  write-up: k-fold; ensembles of 2–3 models"
    assert ours.startswith("  ours, ladder/day-10: Day 10: the model")
    assert "the day's own training, 2m 45s in all" in text
    assert "one run per rung says nothing of other seeds" in text
    assert "optimistic" not in text


def test_folds_and_optimism_are_reported() -> None:
    run = StoredRun(Path("x"), run_record("x", folds=4, optimistic=True))
    scores = TaskScores(macro_f1=Score(0.5, 0.4, 0.6), accuracy=Score(0.5, 0.4, 0.6))
    rung = RungScore(ClimbedRung(RUNG_OF["9"], run, run), scores, None)
    text = format_ladder(LadderScores("faces", 7, 1, (rung,)), WIDE)
    assert "day 9 trained 4 models, each on 75% of the people" in text
    assert "optimistic: day 9 chose its checkpoint on " in text
    assert "by photo" not in text


def test_days_without_a_score_show_none() -> None:
    run = StoredRun(Path("x"), run_record("x"))
    scores = TaskScores(macro_f1=Score(0.5, 0.4, 0.6), accuracy=Score(0.5, 0.4, 0.6))
    change = TaskDifference(macro_f1=gain_of(-0.1, -0.2, -0.05), accuracy=gain_of(0.0, -0.1, 0.1))
    ladder = LadderScores(
        "faces",
        7,
        2,
        tuple(
            RungScore(ClimbedRung(RUNG_OF[day], run, run), scores, each) for day, each in (("6", None), ("7", change))
        ),
    )
    lines = format_ladder(ladder, WIDE).splitlines()
    assert [line.split()[:3] for line in lines[4:6]] == [["6", "0.7966", "0.7568"], ["7", "–", "–"]]
    assert lines[10].split()[:5] == ["7", "against", "6", "–", "–"]
    assert lines[10].endswith("-0.100 [-0.200, -0.050]  does not hold")


def test_a_ladder_of_fewer_rungs_can_be_planned() -> None:
    rungs = (RUNG_OF["6"], Rung("10", "ladder/day-10", "6", Vote(SoftVote(), ("6",))))
    assert [planned.rung.day for planned in plan_ladder(SMALL, rungs=rungs)] == ["6", "10"]


def test_a_narrow_terminal_is_kept_to() -> None:
    lines = format_ladder(TWO_DAYS, 80).splitlines()
    assert max(map(text_width, lines)) <= 80
    assert [line.split() for line in lines if "best so far" in line] == [["day", "best", "so", "far", "time", "run"]]
