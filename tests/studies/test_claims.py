"""The claims: their arms in both sizes, the rules of the outcomes, scores and tables by numbers made by hand."""

from __future__ import annotations

import dataclasses
import json
import math
from collections import Counter
from pathlib import Path
from typing import get_args

import numpy as np
import pytest
from scipy.stats import norm

from maskwise.errors import RecipeError, UserError
from maskwise.recipe.config import Recipe
from maskwise.recipe.identity import run_id
from maskwise.recipe.load import dump_recipe, load_recipe, parse_recipe
from maskwise.score import Score
from maskwise.store.layout import log_path
from maskwise.store.runs import StoredRun
from maskwise.studies import plan_claims as plan_claims_module
from maskwise.studies.budgets import Budget
from maskwise.studies.claim_arms import (
    ARCFACE,
    BF16,
    CLAIMS,
    FACE,
    OVER_RARE_TUNED,
    PLAIN,
    PLAIN_TUNED,
    SEPARATE_DATA,
    WEIGHTED_LOSS,
    WEIGHTED_SAMPLER,
    Arm,
    Claim,
    PairedTest,
    Says,
)
from maskwise.studies.format_claims import format_claims, markdown_claims, statement
from maskwise.studies.judge_claims import Outcome, corrected, deciding_p, holm, judge
from maskwise.studies.plan_claims import FULL_CLAIMS, SMALL_CLAIMS, ClaimsPlan, choose_claims, plan_claims
from maskwise.studies.run_claims import RunsOfArm, agreement, agreements, score_claims
from maskwise.studies.set_facts import SetFacts
from maskwise.text_table import text_width
from support.finished_runs import TASK, add_run, predictions_of

TUNED_ALIKE = (PLAIN_TUNED, OVER_RARE_TUNED)
"""In the full size every arm is fine-tuned, so these are the runs of plain and of oversampling."""
NUMBERS = [*map(str, range(1, 13)), "A", "B", "C"]
TINY = ["input.height_px=48", "input.width_px=40"]


CUT_TO_THE_FACE = SetFacts(photo_px=(200, 176), face_share=0.95, near_share=0.2)


def recipes_of(plan: ClaimsPlan) -> dict[Arm, Recipe]:
    """The recipes of seed 0."""
    return {run.arm: run.recipe for run in plan.runs if run.seed == 0}


# --- claims and arms -----------------------------------------------------------------------------------------------


def test_every_claim_and_question_is_there_once() -> None:
    assert sorted(claim.number for claim in CLAIMS) == sorted(NUMBERS)
    assert all(claim.tests and claim.words.endswith((".", ")", "it.")) for claim in CLAIMS)


@pytest.mark.parametrize("budget", [SMALL_CLAIMS, FULL_CLAIMS], ids=lambda budget: budget.name)
@pytest.mark.parametrize("changes", [[], TINY], ids=["shipped", "tiny"])
def test_every_arm_is_a_legal_recipe_of_its_own(budget: Budget, changes: list[str]) -> None:
    plan = plan_claims(budget, 2, changes)
    own = [
        run for run in plan.runs if run.arm.steps_of is None and (budget is SMALL_CLAIMS or run.arm not in TUNED_ALIKE)
    ]
    assert len({run_id(run.recipe, "") for run in own}) == len(own)
    assert len({run.recipe.name for run in plan.runs}) == len(plan.runs)
    assert [run.seed for run in plan.runs] == sorted(run.seed for run in plan.runs)
    assert all(run.recipe.seed == run.seed for run in plan.runs)
    last = plan.runs[-1].recipe
    assert parse_recipe(dump_recipe(last), "dump") == last
    # All runs hold out the same people, so they can be compared in pairs.
    assert {run.recipe.split.model_dump_json() for run in plan.runs} == {load_recipe("claims").split.model_dump_json()}


def test_fine_tuned_arms_change_the_shipped_recipe_and_the_others_train_heads_on_shared_features() -> None:
    recipes = recipes_of(plan_claims(SMALL_CLAIMS, 1))
    assert run_id(recipes[PLAIN_TUNED], "") == run_id(load_recipe("claims"), "")
    plain = recipes[PLAIN]
    assert plain.name == "claims-small-plain-seed-0"
    # One view of each photo as it is: a second seed computes no features.
    assert (plain.train.cached_views, plain.augment) == (1, ())
    assert plain.train.freeze_backbone_epochs == plain.train.epochs
    assert recipes[PLAIN_TUNED].train.cached_views is None


def test_heads_stand_on_the_face_network_where_it_is_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plan_claims_module, "is_here", lambda name: name == "faces")
    recipes = recipes_of(plan_claims(SMALL_CLAIMS, 1))
    assert {recipe.model.backbone.kind for arm, recipe in recipes.items() if not arm.tuned} == {"faces"}
    assert {recipe.model.backbone.kind for arm, recipe in recipes.items() if arm.tuned} == {"timm"}
    monkeypatch.setattr(plan_claims_module, "is_here", lambda _: False)
    assert {recipe.model.backbone.kind for recipe in recipes_of(plan_claims(SMALL_CLAIMS, 1)).values()} == {"timm"}


def test_seeds_are_five_of_heads_and_two_of_fine_tuning_unless_set() -> None:
    counts = Counter(run.arm for run in plan_claims(SMALL_CLAIMS).runs)
    assert {counts[arm] for arm in counts if arm.tuned} == {2}
    assert {counts[arm] for arm in counts if not arm.tuned} == {5}
    assert set(Counter(run.arm for run in plan_claims(SMALL_CLAIMS, 3).runs).values()) == {3}
    assert set(Counter(run.arm for run in plan_claims(FULL_CLAIMS).runs).values()) == {5}


def test_an_arm_of_equal_steps_trains_as_long_as_the_arm_that_it_stands_beside() -> None:
    class Longer(SetFacts):
        def epoch_length(self, recipe: Recipe) -> float:
            return {"oversample_rare": 2.16, "undersample_masked": 4 / 7}.get(recipe.sampling.kind, 1.0)

    recipes = recipes_of(plan_claims(SMALL_CLAIMS, 1, facts=Longer()))
    epochs = {arm.steps_of.name: recipe.train for arm, recipe in recipes.items() if arm.steps_of is not None}
    ten = recipes[PLAIN].train.epochs
    assert ten == 10
    assert epochs["oversample-rare"].epochs == 22
    assert epochs["oversample-rare"].freeze_backbone_epochs == 22
    assert epochs["two-masked"].epochs == 6
    assert epochs["oversample-rare-tuned"].epochs == 4


def test_the_conclusion_on_a_sampler_rests_on_equal_steps() -> None:
    for claim in choose_claims(["6", "7"]):
        concluding = [test for test in claim.tests if not test.unequal_work]
        assert concluding
        assert all(test.a.steps_of == test.b for test in concluding)


def test_what_the_set_cannot_carry_is_not_trained() -> None:
    plan = plan_claims(SMALL_CLAIMS, 1, facts=CUT_TO_THE_FACE)
    assert {each.claim.number for each in plan.untestable} == {"1", "3"}
    assert not {"face-crop", "tight-crop", "border-58"} & {run.arm.name for run in plan.runs}
    assert {claim.number for claim in CLAIMS} - {claim.number for claim in plan.claims} == {"1", "3"}
    assert plan_claims(SMALL_CLAIMS, 1).untestable == ()


def test_the_full_size_reaches_every_arm_and_fp16_is_tried_there_alone() -> None:
    recipes = recipes_of(plan_claims(FULL_CLAIMS, 1))
    assert {(recipe.model.backbone.kind, recipe.train.epochs) for recipe in recipes.values()} == {("torchvision", 12)}
    small = {arm.name for arm in recipes_of(plan_claims(SMALL_CLAIMS, 1))}
    assert {arm.name for arm in recipes} - small == {"fp16"}


def test_an_arm_changes_what_it_says_and_nothing_else() -> None:
    recipes = recipes_of(plan_claims(SMALL_CLAIMS, 1))
    for arm, sections in {
        FACE: {"input"},
        WEIGHTED_SAMPLER: {"sampling"},
        WEIGHTED_LOSS: {"loss"},
        ARCFACE: {"loss", "model"},
        BF16: {"train"},
        SEPARATE_DATA: {"parts"},
    }.items():
        plain = recipes[PLAIN_TUNED if arm.tuned else PLAIN].model_dump(exclude={"name"})
        mine = recipes[arm].model_dump(exclude={"name"})
        assert {name for name in plain if plain[name] != mine[name]} == sections, arm.name


def test_separate_models_on_different_data_differ_in_whom_they_see() -> None:
    parts = recipes_of(plan_claims(SMALL_CLAIMS, 1))[SEPARATE_DATA].parts
    assert parts[0].trains_on is None
    assert parts[1].trains_on is not None
    assert parts[1].trains_on.mask == "worn"


def test_an_arm_of_several_claims_is_planned_once() -> None:
    plan = plan_claims(SMALL_CLAIMS, 3, claims=choose_claims(["2", "8"]))
    assert [(run.arm.name, run.seed) for run in plan.runs] == [
        (name, seed)
        for seed in range(3)
        for name in ("plain", "weighted-sampler", "weighted-loss", "weighted-both", "soft-loss")
    ]


def test_claims_are_chosen_in_the_order_of_the_table() -> None:
    assert [claim.number for claim in choose_claims(["b", "9"])] == ["9", "B"]
    assert choose_claims(["D"]) == choose_claims(["5"])
    assert choose_claims([]) == CLAIMS
    with pytest.raises(UserError, match=r"--only must be the number of a claim .*, got '13'"):
        choose_claims(["13"])


def test_a_bad_change_is_reported_once() -> None:
    with pytest.raises(RecipeError) as caught:
        plan_claims(SMALL_CLAIMS, 2, ["train.epochz=1"])
    assert len(caught.value.problems) == 1


@pytest.mark.parametrize("change, word", [("seed=3", "--seeds"), ("name=x", "arm")])
def test_what_the_series_sets_itself_is_refused(change: str, word: str) -> None:
    with pytest.raises(RecipeError, match=rf"--set must be of another setting than .*{word}"):
        plan_claims(SMALL_CLAIMS, 2, [change])


def test_a_change_that_makes_two_arms_one_is_refused_for_their_claims_alone() -> None:
    with pytest.raises(RecipeError, match=r"claim 5 must .*, got plain, fine-tuned and bf16 alike"):
        plan_claims(SMALL_CLAIMS, 2, ["train.precision=bf16"], choose_claims(["5"]))
    assert plan_claims(SMALL_CLAIMS, 2, ["task.train_age_borders_years=[30, 58]"], choose_claims(["2"])).runs


@pytest.mark.parametrize(
    "change, fault", [("split.kind=everyone", "split.kind must"), ("task.attributes=[mask, gender]", "with age")]
)
def test_a_reference_that_cannot_be_scored_as_a_claim_wants_is_refused(change: str, fault: str) -> None:
    with pytest.raises(RecipeError, match=fault):
        plan_claims(SMALL_CLAIMS, 2, [change], choose_claims(["1"]))


# --- the rules of the outcomes --------------------------------------------------------------------------------------

NAN = math.nan


@pytest.mark.parametrize(
    "says, low, high, outcome",
    [
        ("better", 0.001, 0.05, "holds"),
        ("better", -0.01, 0.05, "inconclusive"),
        ("better", -0.05, 0.001, "inconclusive"),
        ("better", -0.05, -0.001, "does not hold"),
        ("worse", -0.05, -0.001, "holds"),
        ("worse", -0.05, 0.01, "inconclusive"),
        ("worse", -0.001, 0.05, "inconclusive"),
        ("worse", 0.001, 0.05, "does not hold"),
        ("alike", -0.019, 0.019, "holds"),
        ("alike", -0.02, 0.021, "inconclusive"),
        ("alike", -0.03, 0.03, "inconclusive"),
        ("alike", 0.021, 0.03, "does not hold"),
        ("alike", -0.03, -0.021, "does not hold"),
        ("no better", -0.3, -0.1, "holds"),
        ("no better", -0.01, 0.019, "holds"),
        ("no better", 0.01, 0.03, "inconclusive"),
        ("no better", 0.021, 0.03, "does not hold"),
        *((says, NAN, NAN, "inconclusive") for says in get_args(Says)),
    ],
)
def test_the_interval_decides(says: Says, low: float, high: float, outcome: Outcome) -> None:
    assert judge(Score((low + high) / 2, low, high), says) == outcome


def test_smoothing_of_the_write_up_is_tested_in_both_readings() -> None:
    """From 0.6 on taken away, and from 0.6 on kept: 0.4 and less taken away."""
    (claim,) = choose_claims(["9"])
    recipes = {run.arm: run.recipe for run in plan_claims(SMALL_CLAIMS, 1, (), [claim]).runs}
    taken = [recipes[test.b].targets[0].epsilon for test in claim.tests]  # type: ignore[union-attr]
    assert taken == [0.3, 0.35, 0.4, 0.6, 0.8]
    assert [round(1 - epsilon, 2) for epsilon in taken if epsilon <= 0.4] == [0.7, 0.65, 0.6]


def test_an_arm_that_changed_nothing_could_not_be_tested() -> None:
    assert {judge(Score(0.0, 0.0, 0.0), says) for says in get_args(Says)} == {"could not be tested"}


def test_the_p_value_is_five_in_a_hundred_where_the_interval_touches_zero() -> None:
    assert deciding_p(Score(0.02, 0.0, 0.04), "better") == pytest.approx(0.05, abs=1e-4)
    assert deciding_p(Score(0.02, 0.01, 0.03), "better") == pytest.approx(2 * norm.sf(2 * 1.959964), rel=1e-3)
    assert deciding_p(Score(0.02, NAN, NAN), "better") == 1.0


def test_holms_correction_by_hand_and_its_order() -> None:
    # 0.01 × 4, 0.02 × 3, then never less than before, and 1 at the most.
    assert holm([0.02, 0.01, 0.9, 0.03]) == pytest.approx([0.06, 0.04, 0.9, 0.06])
    assert holm([0.6, 0.5]) == [1.0, 1.0]
    assert corrected("holds", 0.06) == "inconclusive"
    assert corrected("does not hold", 0.04) == "does not hold"
    assert corrected("could not be tested", 1.0) == "could not be tested"


def test_worse_is_better_asked_the_other_way_round() -> None:
    rng = np.random.default_rng(0)
    for low, high in np.sort(rng.uniform(-0.1, 0.1, size=(50, 2)), axis=1):
        assert judge(Score(0.0, low, high), "worse") == judge(Score(0.0, -high, -low), "better")
        # What is alike is no better, either way.
        if judge(Score(0.0, low, high), "alike") == "holds":
            assert judge(Score(0.0, low, high), "no better") == "holds"


# --- scores and tables ---------------------------------------------------------------------------------------------

A, B = Arm("a", "one"), Arm("b", "two")
WIDE = 1000
"""Columns of a terminal on which nothing is broken."""
WORN_WELL = Claim("5", "Two is as good.", (PairedTest(A, B, "better"), PairedTest(A, B, "alike")), ("agreement", "fit"))


@pytest.fixture
def two_arms(tmp_path: Path) -> RunsOfArm:
    """Two seeds of two arms over 12 people; b is right where a is, and far more often."""
    rights = {"a0": [True] * 3 + [False] * 9, "b0": [True] * 12}
    rights |= {"a1": [True] * 3 + [False] * 9, "b1": [True] * 9 + [False] * 3}
    runs = {
        name: add_run(tmp_path, name, right, seconds=40.0 if "a" in name else 50.0) for name, right in rights.items()
    }
    for name, run in runs.items():
        # Two epochs; the last one counts.
        losses = [9.0, 0.25 if "a" in name else 0.5]
        log_path(run.folder, 0).parent.mkdir()
        log_path(run.folder, 0).write_text("".join(json.dumps({"loss": loss}) + "\n" for loss in losses))
    return {A: [runs["a0"], runs["a1"]], B: [runs["b0"], runs["b1"]]}


def test_arms_are_compared_seed_by_seed(two_arms: RunsOfArm) -> None:
    scores = score_claims(ClaimsPlan((WORN_WELL,), ()), two_arms)
    assert (scores.data_name, scores.n_photos, scores.n_people, scores.n_seeds) == ("faces", 12, 12, (2, 0))
    assert scores.seconds == 2 * 40 + 2 * 50
    better, alike = scores.results[0].tests
    # Right are 3 and 3 of 12, and 12 and 9 of 12; all classes alike, so macro F1 is the same.
    assert better.comparison.joint.accuracy.a == pytest.approx(3 / 12)
    assert better.comparison.joint.accuracy.b == pytest.approx((12 + 9) / 24)
    assert (better.deciding.a, better.deciding.b) == pytest.approx((0.25, 0.875))
    assert better.deciding.gain.value == pytest.approx(0.625)
    assert (better.outcome, alike.outcome) == ("holds", "does not hold")
    assert better.seconds == (40.0, 50.0)


def test_what_training_and_held_out_people_cost_is_read_from_log_and_scores(two_arms: RunsOfArm) -> None:
    one, two = score_claims(ClaimsPlan((WORN_WELL,), ()), two_arms).results[0].fits
    assert (one.training_loss, two.training_loss) == (0.25, 0.5)
    # The true class has 0.8 where the prediction is right, else 0.1.
    right, wrong = -math.log(0.8), -math.log(0.1)
    assert one.held_out_loss == pytest.approx((6 * right + 18 * wrong) / 24, abs=1e-6)
    assert two.held_out_loss == pytest.approx((21 * right + 3 * wrong) / 24, abs=1e-6)


def test_predictions_are_compared_photo_by_photo() -> None:
    a, b = predictions_of([True] * 4), predictions_of([True] * 3 + [False], confidence=0.7)
    found = agreement("b and a", [a], [b], TASK)
    assert found.equal_decisions == 0.75
    # 0.8 against 0.7 where the decision is equal; 0.8 against 0.15 where it is not.
    assert found.median_change == pytest.approx(0.1, abs=1e-6)
    assert found.largest_change == pytest.approx(0.65, abs=1e-6)
    # Photos are matched by name, not by place.
    assert agreement("b and a", [a], [b.take(np.array([3, 1, 0, 2]))], TASK) == found


def test_another_seed_of_the_first_arm_gives_the_scale() -> None:
    predictions = {
        A: [predictions_of([True] * 4), predictions_of([True, True, False, False])],
        B: [predictions_of([True] * 4)] * 2,
    }
    same, other = agreements([(A, B)], predictions, TASK)
    assert (same.what, same.equal_decisions) == ("two and one, same seed", 0.75)
    assert (other.what, other.equal_decisions) == ("one and one, other seed", 0.5)
    assert len(agreements([(A, B)], {arm: runs[:1] for arm, runs in predictions.items()}, TASK)) == 1


def test_the_table_says_claim_arms_gain_and_outcome(two_arms: RunsOfArm) -> None:
    lines = format_claims(score_claims(ClaimsPlan((WORN_WELL,), ()), two_arms), WIDE).splitlines()
    assert " claims on 12 held-out photos of 12 people of faces, " in lines[0]
    assert "heads on cached features with 2 seeds" in lines[0]
    assert lines[2] == "outcomes"
    assert lines[4].split()[:8] == ["5", "two", "is", "better", "than", "one", "0.250", "0.875"]
    assert lines[4].endswith("  holds")
    assert lines[5].split()[:6] == ["two", "is", "within", "±", "0.02", "of"]
    assert lines[5].endswith("  does not hold")
    # Both tests are of one pair of arms, whose other readings stand there once.
    assert [line for line in lines if line.startswith("5      two – one") and line.endswith("40s     50s   1.25")]
    assert "two – one" not in "".join(lines[10:])
    assert "5: Two is as good." in lines
    assert not any(line.startswith("one seed") for line in lines)


def test_the_page_holds_the_same_tables(two_arms: RunsOfArm) -> None:
    page = markdown_claims(score_claims(ClaimsPlan((WORN_WELL,), ()), two_arms), ["budget small"])
    assert page.startswith("# The write-up's claims, tested\n\n")
    assert " claims on 12 held-out photos " in page.splitlines()[2]
    assert "\n- budget small\n" in page
    assert "| claim | b against a | F1 of a | of b | gain | p (Holm) | outcome |" in page
    assert "\n| 5 | two is better than one | 0.250 | 0.875 | +0.625 [" in page
    assert page.endswith("\n")


def test_an_outcome_that_the_correction_takes_back_stands_in_brackets(two_arms: RunsOfArm) -> None:
    scores = score_claims(ClaimsPlan((WORN_WELL,), ()), two_arms)
    result = scores.results[0]
    taken_back = tuple(dataclasses.replace(judged, p_holm=0.2) for judged in result.tests)
    lines = format_claims(dataclasses.replace(scores, results=(dataclasses.replace(result, tests=taken_back),)), WIDE)
    assert [line.split("0.200")[1].strip() for line in lines.splitlines() if "  0.200  " in line] == [
        "inconclusive (alone: holds)",
        "inconclusive (alone: does not hold)",
    ]


def test_tests_that_the_set_cannot_carry_are_one_row_per_claim(two_arms: RunsOfArm) -> None:
    untestable = plan_claims(SMALL_CLAIMS, 1, facts=CUT_TO_THE_FACE).untestable
    page = markdown_claims(score_claims(ClaimsPlan((WORN_WELL,), (), untestable), two_arms), [])
    assert "\n| 1 | 4 tests | – | – | – | – | not testable on this set |\n" in page
    assert "\n| 3 | 3 tests | – | – | – | – | not testable on this set |\n" in page


def test_one_seed_is_reported(two_arms: RunsOfArm) -> None:
    first: dict[Arm, list[StoredRun]] = {arm: runs[:1] for arm, runs in two_arms.items()}
    text = format_claims(score_claims(ClaimsPlan((WORN_WELL,), ()), first), WIDE)
    assert "\none seed: " in text
    assert "1 seeds" not in text


def test_statements_read_like_sentences() -> None:
    said = {says: statement(PairedTest(A, B, says)) for says in get_args(Says)}
    assert said == {
        "better": "two is better than one",
        "worse": "two is worse than one",
        "alike": "two is within ± 0.02 of one",
        "no better": "two is not better by 0.02 than one",
    }
    assert statement(PairedTest(A, B, "better", "gender")) == "two is better than one, by gender"
    steps_of_two = Arm("c", "three", steps_of=B)
    assert statement(PairedTest(steps_of_two, B, "worse")) == "two is worse than plain for as many steps"


def test_a_narrow_terminal_is_kept_to(two_arms: RunsOfArm) -> None:
    text = format_claims(score_claims(ClaimsPlan((WORN_WELL,), ()), two_arms), 80)
    assert max(map(text_width, text.splitlines())) <= 80
    assert text.count("two is better than one") > 1  # again before the columns that are put below
