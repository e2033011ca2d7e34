"""Every module has its test file, ``tests/<room>/test_<module>.py``, or a row here that says which test covers it."""

from __future__ import annotations

import pytest

from support.source_files import SOURCE, TESTS, reached_files

COVERED_BY = {
    "augment/config.py": "augment/test_build.py",
    "augment/geometry.py": "augment/test_build.py",
    "augment/numpy_to_images.py": "augment/test_build.py",
    "cli/bench_start.py": "cli/test_bench_verbs.py",
    "cli/options.py": "test_documentation.py",
    "cli/plain_json.py": "evaluation/test_format_several.py",
    "cli/verb_table.py": "cli/test_cli.py",
    "data/build.py": "data/test_splits.py",
    "data/config.py": "data/test_choose_photos.py",
    "data/importing/afad.py": "data/importing/test_readers.py",
    "data/importing/agedb.py": "data/importing/test_readers.py",
    "data/importing/all_age_faces.py": "data/importing/test_readers.py",
    "data/importing/appa_real.py": "data/importing/test_readers.py",
    "data/importing/build.py": "data/importing/test_readers.py",
    "data/importing/by_name.py": "data/importing/test_readers.py",
    "data/importing/by_table.py": "data/importing/test_readers.py",
    "data/importing/choose.py": "data/importing/test_readers.py",
    "data/importing/competition.py": "data/importing/test_readers.py",
    "data/importing/config.py": "data/importing/test_readers.py",
    "data/importing/faces.py": "data/importing/test_readers.py",
    "data/importing/fairface.py": "data/importing/test_readers.py",
    "data/importing/formats.py": "data/importing/test_readers.py",
    "data/importing/own_table.py": "data/importing/test_readers.py",
    "data/importing/target.py": "workflows/test_import_faces.py",
    "data/importing/utkface.py": "data/importing/test_readers.py",
    "data/layout.py": "data/test_odd_files.py",
    "data/people.py": "data/test_relabel.py",
    "data/photo_facts.py": "data/test_describe_set.py",
    "data/problems.py": "data/test_checks.py",
    "data/readable.py": "data/test_odd_files.py",
    "data/sources.py": "data/test_checks.py",
    "drawing/body.py": "drawing/test_demo_set.py",
    "drawing/hair.py": "drawing/test_demo_set.py",
    "drawing/mask_light.py": "drawing/test_draw_masks.py",
    "drawing/mask_plan.py": "drawing/test_draw_masks.py",
    "drawing/mask_shapes.py": "drawing/test_draw_masks.py",
    "drawing/mask_textures.py": "drawing/test_draw_masks.py",
    "drawing/usable_faces.py": "drawing/test_seven_photos.py",
    "ensembles/build.py": "ensembles/test_contract.py",
    "ensembles/config.py": "ensembles/test_contract.py",
    "evaluation/run_counts.py": "evaluation/test_changed_photos.py",
    "evaluation/scores.py": "evaluation/test_evaluate.py",
    "evaluation/shared_photos.py": "evaluation/test_comparison.py",
    "export/bundle_files.py": "export/test_bundles.py",
    "export/manifest.py": "export/test_bundles.py",
    "export/hub.py": "export/test_layouts.py",
    "export/onnx_content.py": "export/test_foreign_bundles.py",
    "export/networks.py": "export/test_bundles.py",
    "export/onnx_graph.py": "export/test_fixed_padding.py",
    "export/onnxruntime_engine.py": "export/test_openvino_engine.py",
    "export/opened_network.py": "export/test_openvino_engine.py",
    "export/parity.py": "export/test_layouts.py",
    "export/predict_folder.py": "export/test_ray_pipeline.py",
    "export/prediction_table.py": "export/test_prediction.py",
    "export/prepare_photos.py": "export/test_bundles.py",
    "export/quantize.py": "export/test_layouts.py",
    "export/reader.py": "export/test_bundles.py",
    "export/training_photos.py": "export/test_layouts.py",
    "export/write_bundle.py": "export/test_layouts.py",
    "faces/box_store.py": "faces/test_detection.py",
    "faces/build.py": "faces/test_crops.py",
    "faces/config.py": "faces/test_crops.py",
    "fitting/distill.py": "workflows/test_teacher.py",
    "fitting/one_fold.py": "fitting/test_parts.py",
    "fitting/photo_inputs.py": "fitting/test_cached_features.py",
    "fitting/photo_set.py": "fitting/test_bind_fit.py",
    "fitting/run_data.py": "fitting/test_parts.py",
    "intended_use.py": "reports/test_run_page.py",
    "label_audit/confident_learning.py": "label_audit/test_people.py",
    "listeners.py": "cli/test_progress.py",
    "losses/arcface.py": "losses/test_margins_and_priors.py",
    "losses/cross_entropy.py": "losses/test_attributes.py",
    "losses/f1.py": "losses/test_losses.py",
    "losses/focal.py": "losses/test_losses.py",
    "losses/rare_classes.py": "losses/test_margins_and_priors.py",
    "losses/weighted_sum.py": "losses/test_build.py",
    "recipe/addresses.py": "recipe/test_other_words.py",
    "recipe/changes.py": "recipe/test_explain.py",
    "recipe/config.py": "recipe/test_explain.py",
    "recipe/fields.py": "recipe/test_explain.py",
    "recipe/optimizer_config.py": "recipe/test_load.py",
    "recipe/schedule_config.py": "recipe/test_load.py",
    "recipe/self_training_config.py": "selftraining/test_select.py",
    "recipe/single_recipes.py": "recipe/test_parts.py",
    "recipe/train_config.py": "recipe/test_load.py",
    "reports/explained.py": "reports/test_run_page.py",
    "reports/page.py": "reports/test_pages.py",
    "reports/run_card.py": "reports/test_run_page.py",
    "reports/run_groups.py": "reports/test_run_page.py",
    "reports/run_story.py": "reports/test_run_page.py",
    "reports/sweep_charts.py": "reports/test_parallel_coordinates.py",
    "reports/sweep_page.py": "sweeps/test_run_sweep.py",
    "sampling/build.py": "sampling/test_samplers.py",
    "sampling/config.py": "sampling/test_samplers.py",
    "selftraining/build.py": "selftraining/test_select.py",
    "serving/json_log.py": "serving/test_gate.py",
    "serving/metrics.py": "serving/test_gate.py",
    "serving/model_facts.py": "serving/test_run_service.py",
    "serving/page_files.py": "serving/test_gate.py",
    "serving/receive_body.py": "serving/test_run_service.py",
    "serving/refusals.py": "serving/test_gate.py",
    "serving/schema.py": "serving/test_app.py",
    "serving/service.py": "serving/test_run_service.py",
    "settings.py": "test_documentation.py",
    "speed/plain_prediction.py": "speed/test_prediction.py",
    "store/format_board.py": "store/test_board.py",
    "store/format_submissions.py": "store/test_submissions.py",
    "store/kept_for.py": "store/test_retention.py",
    "store/layout.py": "store/test_marks.py",
    "store/sizes.py": "store/test_retention.py",
    "store/spread.py": "store/test_board_csv.py",
    "store/task_columns.py": "store/test_predictions_file.py",
    "studies/budgets.py": "studies/test_claims.py",
    "studies/claim_arms.py": "studies/test_claims.py",
    "studies/format_claims.py": "studies/test_claims.py",
    "studies/format_ladder.py": "studies/test_climb_ladder.py",
    "studies/judge_claims.py": "studies/test_claims.py",
    "studies/ladder_rungs.py": "studies/test_climb_ladder.py",
    "studies/plan_claims.py": "studies/test_claims.py",
    "studies/published_ladder.py": "studies/test_climb_ladder.py",
    "studies/run_claims.py": "studies/test_claims.py",
    "studio/frame.py": "studio/test_live.py",
    "sweeps/check_space.py": "sweeps/test_spaces.py",
    "sweeps/config.py": "sweeps/test_dimensions.py",
    "sweeps/confirm.py": "sweeps/test_run_sweep.py",
    "sweeps/format_search.py": "sweeps/test_search_settings.py",
    "sweeps/format_sweep.py": "sweeps/test_run_sweep.py",
    "sweeps/load_space.py": "sweeps/test_spaces.py",
    "sweeps/results.py": "sweeps/test_run_sweep.py",
    "sweeps/sampling.py": "sweeps/test_run_sweep.py",
    "sweeps/search_lists.py": "sweeps/test_search_settings.py",
    "training/features.py": "fitting/test_cached_features.py",
    "training/stopping.py": "training/test_freezing.py",
    "training/training_inputs.py": "training/test_batches.py",
    "workflows/distilled_recipe.py": "workflows/test_teacher.py",
    "workflows/engines.py": "workflows/test_ray_engine.py",
    "workflows/ray_session.py": "workflows/test_ray_engine.py",
    "workflows/ray_tasks.py": "workflows/test_ray_engine.py",
    "workflows/draw_import.py": "workflows/test_import_faces.py",
    "workflows/photo_batches.py": "workflows/test_predict_photos.py",
    "workflows/photos_to_predict.py": "workflows/test_predict_photos.py",
    "workflows/run_models.py": "workflows/test_predict_photos.py",
    "workflows/run_recipe.py": "end_to_end/test_ladder.py",
    "workflows/train_or_read.py": "fitting/test_choose_precision.py",
}
"""Module → the test file that covers it, which imports it, directly or through what it tests."""

THROUGH_A_VERB = {
    "serving/kept_bundle.py": ("end_to_end/test_studio_in_browser.py", "studio"),
    "studio/predictors.py": ("end_to_end/test_studio_in_browser.py", "studio"),
    "studio/run_studio.py": ("end_to_end/test_studio_in_browser.py", "studio"),
    "cli/submission_verbs.py": ("cli/test_cli.py", "submissions"),
    "cli/audit_verb.py": ("cli/test_eda_audit.py", "audit"),
    "cli/bench_predict.py": ("export/test_engines.py", "bench"),
    "cli/bench_train.py": ("cli/test_bench_verbs.py", "train"),
    "cli/bench_views.py": ("cli/test_bench_verbs.py", "views"),
    "cli/bundle_verbs.py": ("export/test_layouts.py", "export"),
    "cli/data_verbs.py": ("cli/test_eda_audit.py", "data"),
    "cli/engine_options.py": ("workflows/test_ray_engine.py", "claims"),
    "cli/demo_story.py": ("end_to_end/test_demo.py", "demo"),
    "cli/distill_verb.py": ("workflows/test_teacher.py", "distill"),
    "cli/eda_verbs.py": ("cli/test_eda_audit.py", "eda"),
    "cli/ensemble_verbs.py": ("end_to_end/test_ensembles.py", "ensemble"),
    "cli/ladder_verbs.py": ("end_to_end/test_ladder.py", "ladder"),
    "cli/run_verbs.py": ("end_to_end/test_main_path.py", "predict"),
    "cli/score_verbs.py": ("end_to_end/test_main_path.py", "evaluate"),
    "cli/search_verbs.py": ("sweeps/test_search_settings.py", "search"),
    "cli/serve_verb.py": ("serving/test_run_service.py", "serve"),
    "export/card.py": ("export/test_layouts.py", "export"),
    "export/mlflow_model.py": ("export/test_layouts.py", "export"),
    "export/triton_model.py": ("export/test_layouts.py", "export"),
    "reports/audit_page.py": ("cli/test_eda_audit.py", "audit"),
    "reports/audit_tables.py": ("cli/test_eda_audit.py", "audit"),
    "reports/explain_photos.py": ("cli/test_report_verb.py", "report"),
    "reports/run_report.py": ("cli/test_report_verb.py", "report"),
    "workflows/audit_labels.py": ("cli/test_eda_audit.py", "audit"),
    "workflows/explore_data.py": ("cli/test_eda_audit.py", "eda"),
}
"""Module → (test file, verb): it is imported when its verb is called, which the test does."""


def modules() -> list[str]:
    names = [path.relative_to(SOURCE).as_posix() for path in sorted(SOURCE.rglob("*.py"))]
    return [name for name in names if not name.endswith(("__init__.py", "__main__.py"))]


def own_test(module: str) -> str:
    folder, slash, name = module.rpartition("/")
    return f"{folder}{slash}test_{name}"


def test_every_module_has_a_test() -> None:
    untested = [
        module
        for module in modules()
        if not (TESTS / own_test(module)).is_file() and module not in COVERED_BY and module not in THROUGH_A_VERB
    ]
    assert not untested, f"write tests for these, or say in this file which test covers them: {untested}"


def test_no_row_is_out_of_date() -> None:
    rows = [*COVERED_BY, *THROUGH_A_VERB]
    assert len(rows) == len(set(rows))
    gone = set(rows) - set(modules())
    assert not gone, f"leave out these rows, as there is no such module: {sorted(gone)}"
    own = [module for module in rows if (TESTS / own_test(module)).is_file()]
    assert not own, f"leave out the rows of these, which have a test file of their own: {own}"


@pytest.mark.parametrize("module", COVERED_BY)
def test_the_covering_test_imports_the_module(module: str) -> None:
    assert SOURCE / module in reached_files(TESTS / COVERED_BY[module])


@pytest.mark.parametrize("module", THROUGH_A_VERB)
def test_the_covering_test_calls_the_verb(module: str) -> None:
    test, verb = THROUGH_A_VERB[module]
    assert f'"{verb}"' in (TESTS / test).read_text(encoding="utf-8")
