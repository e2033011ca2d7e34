"""The direction of imports: rooms only import rooms that stand above them, components never import each other."""

from __future__ import annotations

import ast
import graphlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from support.source_files import SOURCE, imported_files

COMPONENTS = ("data", "sampling", "faces", "augment", "models", "losses")
# Top to bottom; a room may import itself and every room of an earlier row.
ROWS: tuple[tuple[str, ...], ...] = (
    (
        "__init__",
        "errors",
        "settings",
        "files",
        "tables",
        "seeds",
        "memory",
        "machine",
        "score",
        "text_table",
        "intended_use",
        "seen_files",
    ),
    ("records",),
    ("listeners",),
    ("labels",),
    ("probabilities",),
    COMPONENTS,
    ("drawing",),
    ("recipe",),
    ("training",),
    ("evaluation",),
    ("label_audit",),
    ("ensembles",),
    ("selftraining",),
    ("store",),
    ("fitting",),
    ("workflows",),
    ("studies",),
    ("sweeps",),
    ("export",),
    ("speed",),
    ("reports",),
    ("serving",),
    ("studio",),
    ("cli", "api", "__main__"),
)
ROW_OF = {room: number for number, row in enumerate(ROWS) for room in row}


def room_of(path: Path) -> str:
    return path.relative_to(SOURCE).parts[0].removesuffix(".py")


def imported_rooms(path: Path) -> Iterator[tuple[str, int]]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.Import | ast.ImportFrom):
            continue
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        else:
            assert node.level == 0, f"{path}:{node.lineno} imports relatively"
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        for name in names:
            parts = name.split(".")
            if parts[0] == "maskwise" and len(parts) > 1:
                yield parts[1] if parts[1] in ROW_OF else "__init__", node.lineno


def test_every_room_is_known() -> None:
    rooms = {room_of(path) for path in SOURCE.rglob("*.py")}
    assert rooms <= set(ROW_OF), f"give these rooms a row: {sorted(rooms - set(ROW_OF))}"


def test_imports_point_only_upwards() -> None:
    wrong = []
    for path in sorted(SOURCE.rglob("*.py")):
        room = room_of(path)
        for other, line in imported_rooms(path):
            sibling = ROW_OF[other] == ROW_OF[room] and other != room and room in COMPONENTS
            if ROW_OF[other] > ROW_OF[room] or sibling:
                wrong.append(f"{path.relative_to(SOURCE)}:{line} ({room}) imports {other}")
    assert not wrong, "\n".join(wrong)


def test_no_two_files_import_each_other() -> None:
    """Nor any longer circle, not even one for type checkers alone."""
    imports = {path: imported_files(path) for path in sorted(SOURCE.rglob("*.py"))}
    # static_order raises CycleError, which names the circle
    assert set(graphlib.TopologicalSorter(imports).static_order()) >= imports.keys()


def test_numbers_and_settings_need_no_torch() -> None:
    free = [
        path
        for path in sorted(SOURCE.rglob("*.py"))
        if room_of(path)
        in {
            "labels",
            "records",
            "errors",
            "settings",
            "files",
            "tables",
            "seeds",
            "score",
            "evaluation",
            "label_audit",
            "text_table",
            "listeners",
            "probabilities",
            "intended_use",
            "store",
            "data",
            "ensembles",
            "selftraining",
        }
        or path.name == "config.py"
        or path.parent.name == "recipe"
    ]
    modules = [".".join(("maskwise", *path.relative_to(SOURCE).with_suffix("").parts)) for path in free]
    code = f"import sys\nfor m in {modules!r}: __import__(m.removesuffix('.__init__'))\nprint('torch' in sys.modules)"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ended.stdout == "False\n"


def test_the_command_line_starts_without_heavy_imports() -> None:
    code = (
        "import sys\nfrom maskwise.cli import main\n"
        "heavy = {'torch', 'numpy', 'pandas', 'cv2', 'pydantic', 'sklearn', 'rich'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ended.stdout == "[]\n"


def test_checkpoints_never_run_pickled_code() -> None:
    """Every ``torch.load`` says ``weights_only=True``, and nothing else unpickles."""
    unsafe = []
    for path in sorted(SOURCE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call):
                continue
            called = ast.unparse(node.func)
            safe = any(k.arg == "weights_only" and ast.unparse(k.value) == "True" for k in node.keywords)
            if (called == "torch.load" and not safe) or called in {"pickle.load", "pickle.loads", "joblib.load"}:
                unsafe.append(f"{path.relative_to(SOURCE)}:{node.lineno}")
    assert not unsafe
