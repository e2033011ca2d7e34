from __future__ import annotations

import subprocess
import sys

MODULES = (
    "maskwise.store.write_runs",
    "maskwise.store.find_run",
    "maskwise.store.submission",
    "maskwise.store.predictions_file",
    "maskwise.evaluation.evaluate",
    "maskwise.evaluation.truth_file",
    "maskwise.evaluation.format_table",
)


def test_scores_and_runs_load_neither_torch_nor_other_heavy_libraries() -> None:
    program = f"import sys, {', '.join(MODULES)}; print(sorted({{m.split('.')[0] for m in sys.modules}}))"
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert "'numpy'" in found
    for heavy in ("torch", "pandas", "pyarrow", "sklearn", "cv2"):
        assert f"'{heavy}'" not in found


def test_the_board_needs_not_even_numpy() -> None:
    """It stands before every try of an idea; numpy alone takes a fifth of its time to import."""
    board = ("board", "format_board", "board_csv", "choose_rows", "daily_best", "spread", "find_run")
    program = f"import sys, {', '.join(f'maskwise.store.{name}' for name in board)}; print('numpy' in sys.modules)"
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert found == "False\n"
