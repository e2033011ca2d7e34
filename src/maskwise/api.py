"""The Python API: ``maskwise.train``, ``maskwise.runs``, ``maskwise.open``, ``maskwise.compare`` and ``Run``."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from maskwise.cli.options import cache_folder
from maskwise.cli.progress import listener, loading, trainings_of
from maskwise.errors import StoreError, must, printable
from maskwise.files import at_home, refuse_overwrite, write_atomically
from maskwise.listeners import DAMAGED
from maskwise.store.find_run import find_run
from maskwise.store.kept_files import check_kept, read_evaluation
from maskwise.store.layout import PREDICTIONS
from maskwise.store.run_record import RunRecord
from maskwise.store.runs import StoredRun, list_runs, read_finished, read_record
from maskwise.text_table import number, score

if TYPE_CHECKING:
    import pandas

    from maskwise.evaluation.scores import Evaluation
    from maskwise.export.load_model import LoadedRun
    from maskwise.export.prediction import Prediction
    from maskwise.export.prepare_photos import AnyImage
    from maskwise.export.reader import WholeFaces
    from maskwise.recipe.config import Recipe
    from maskwise.workflows.compare_runs import ComparedRuns


class Scores:
    """The scores of a run on people that its models never saw. ``evaluation`` has everything."""

    def __init__(self, evaluation: Evaluation) -> None:
        self.evaluation = evaluation

    @property
    def macro_f1(self) -> float:
        """Of the joint class."""
        return self.evaluation.joint.macro_f1.value

    @property
    def accuracy(self) -> float:
        """Of the joint class."""
        return self.evaluation.joint.accuracy.value

    def headline(self) -> dict[str, float]:
        """Macro F1 and accuracy of the joint class, and the accuracy of each attribute, by name."""
        return self.evaluation.headline()

    def __repr__(self) -> str:
        from maskwise.evaluation.format_table import format_table

        return format_table(self.evaluation)

    def _repr_html_(self) -> str:
        found = {"joint class": self.evaluation.joint, **self.evaluation.per_attribute}
        rows = [(name, score(each.macro_f1), score(each.accuracy)) for name, each in found.items()]
        people = f"{self.evaluation.n_photos:,} photos of {self.evaluation.n_people:,} people"
        return _html_table(("", "macro F1", "accuracy"), rows, f"{people}; 95 % intervals")


@dataclass(frozen=True)
class Run:
    """A run of a store: trained models with their scores, predictions, report and bundle."""

    folder: Path

    @cached_property
    def record(self) -> RunRecord:
        """Recipe, data, versions and status, as run.json keeps them."""
        return read_record(self.folder)

    @property
    def id(self) -> str:
        """The hash of recipe, data and seed."""
        return self.record.run_id

    @property
    def name(self) -> str:
        """As the recipe says."""
        return self.record.name

    @cached_property
    def scores(self) -> Scores | None:
        """On held-out people; None where everybody was trained on."""
        return Scores(read_evaluation(self.folder)) if self.record.scores is not None else None

    @cached_property
    def predictions(self) -> pandas.DataFrame:
        """The held-out predictions, one row per photo: person, true class, predictions, probabilities."""
        import pandas as pd

        if self.record.scores is None:
            raise StoreError(must(f"run {self.name}", "scored", "one that held nobody out", "Train with a hold-out."))
        check_kept(self.folder, self.folder / PREDICTIONS)
        return pd.read_parquet(self.folder / PREDICTIONS)

    def predict(self, images: AnyImage | Sequence[AnyImage], *, faces: WholeFaces = "auto") -> list[Prediction]:
        """One prediction per image: a path, a file's bytes, uint8 RGB pixels, a Pillow picture, or a list.

        With ``faces`` auto, an image whose face lies elsewhere than in training is cut around its largest face.
        """
        return self._models.predict(images, faces=faces)

    @cached_property
    def _models(self) -> LoadedRun:
        from maskwise.export.load_model import LoadedRun

        return LoadedRun(self.folder)

    def report(
        self,
        path: str | Path = "report.html",
        *,
        data: str | Path | None = None,
        photos: bool = True,
        language: Literal["en", "ko"] | None = None,
        force: bool = False,
        quiet: bool = True,
    ) -> Path:
        """Write the run's page to ``path``; with the data set it was trained on, photos are shown.

        Without ``language`` it is in that of the browser that shows it.
        """
        from maskwise.reports.run_report import run_report
        from maskwise.reports.words import in_language

        path = at_home(path)
        refuse_overwrite(path, force)
        with listener(quiet) as progress:
            found = run_report(self.folder, self._data(data), cache_folder(None), progress, photos=photos)
        write_atomically(path, in_language(found.text, language))
        return path

    def export(
        self,
        path: str | Path,
        *,
        data: str | Path | None = None,
        int8: bool = False,
        force: bool = False,
        quiet: bool = True,
    ) -> Path:
        """Write the run as a bundle to ``path``, which ``maskwise.load`` opens without PyTorch."""
        from maskwise.export.write_bundle import ExportOptions, export_run

        options = ExportOptions(data=self._data(data), int8=int8, force=force)
        with listener(quiet) as progress:
            return export_run(self.folder, at_home(path), options, progress).place

    def _data(self, given: str | Path | None) -> Path | None:
        if given is not None:
            return at_home(given)
        remembered = self.record.data.folder
        return Path(remembered) if remembered and Path(remembered).is_dir() else None

    def __repr__(self) -> str:
        scores = self.record.scores
        state = self.record.status if scores is None else f"macro F1 {score(scores.macro_f1)}"
        return f"<Run {self.name} {self.id[:8]}: {state}>"

    def _repr_html_(self) -> str:
        about = f"<p><b>{escape(self.name)}</b> {self.id[:8]}, {escape(self.record.status)}</p>"
        return about if self.scores is None else about + self.scores._repr_html_()


class RunComparison:
    """One run against another on the same held-out people; gains are of the second. ``found`` has everything."""

    def __init__(self, found: ComparedRuns) -> None:
        self.found = found

    @property
    def gain(self) -> float:
        """In macro F1 of the joint class."""
        return self.found.comparisons[0].joint.macro_f1.gain.value

    @property
    def interval(self) -> tuple[float, float]:
        """The 95 % interval of the gain."""
        gain = self.found.comparisons[0].joint.macro_f1.gain
        return gain.low, gain.high

    def __repr__(self) -> str:
        from maskwise.evaluation.format_comparison import format_comparison

        return format_comparison(self.found.comparisons[0], *self.found.names)

    def _repr_html_(self) -> str:
        first, second = self.found.names
        comparison = self.found.comparisons[0]
        found = {"joint class": comparison.joint, **comparison.per_attribute}
        rows = [
            (name, number(each.macro_f1.a), number(each.macro_f1.b), score(each.macro_f1.gain))
            for name, each in found.items()
        ]
        people = (
            f"macro F1 on {comparison.n_photos:,} photos of {comparison.n_people:,} people; 95 % interval of the gain"
        )
        return _html_table(("", first, second, "gain"), rows, people)


def train(
    recipe: str | Recipe,
    *,
    data: str | Path,
    set: Mapping[str, Any] | None = None,
    store: str | Path = "runs",
    cache: str | Path | None = None,
    force: bool = False,
    quiet: bool = False,
) -> Run:
    """Train ``recipe`` (a shipped name, a YAML file or a ``Recipe``) on ``data`` and store the run.

    ``set`` changes settings by their paths: ``{"train.epochs": 1}``. A stopped training is resumed; a finished one is
    refused, or replaced with ``force``.
    """
    from maskwise.recipe.load import change_recipe, load_recipe

    changes = [f"{path}={json.dumps(value, ensure_ascii=False)}" for path, value in (set or {}).items()]
    chosen = load_recipe(recipe, changes) if isinstance(recipe, str) else change_recipe(recipe, "recipe", changes)
    loading("PyTorch", quiet)

    from maskwise.workflows.run_recipe import Place, run_recipe

    place = Place(at_home(data), at_home(store), cache_folder(None if cache is None else at_home(cache)))
    with listener(quiet, trainings_of(chosen)) as progress:
        folder, _ = run_recipe(chosen, place, sys.argv, progress, force=force)
    return Run(folder)


def runs(store: str | Path = "runs") -> list[Run]:
    """The finished runs of a store, best first by macro F1; those without a score last.

    Folders whose record is damaged are left out, each with a logged warning, which stderr shows.
    """
    listing = list_runs(at_home(store))
    for problem in listing.damaged:
        logging.getLogger("maskwise").warning("%s", printable(f"{DAMAGED}: {problem}"))
    finished = [run for run in listing.runs if run.record.status == "finished"]
    return [Run(run.folder) for run in sorted(finished, key=_rank)]


def open(ref: str, store: str | Path = "runs") -> Run:
    """The run that ``ref`` names: its id, a unique prefix of it, its name or its path."""
    return Run(find_run(at_home(store), ref))


def compare(a: str | Run, b: str | Run, store: str | Path = "runs") -> RunComparison:
    """Run ``b`` against run ``a`` on the same held-out people."""
    from maskwise.workflows.compare_runs import compare_runs, name_arms, read_arms

    folders = [each.folder if isinstance(each, Run) else find_run(at_home(store), each) for each in (a, b)]
    arms = [[StoredRun(folder, read_finished(folder))] for folder in folders]
    return RunComparison(compare_runs(read_arms(arms), name_arms(arms)))


def _rank(run: StoredRun) -> float:
    scores = run.record.scores
    return float("inf") if scores is None else -scores.macro_f1.value


def _html_table(heading: Sequence[str], rows: Sequence[Sequence[str]], caption: str) -> str:
    head = "".join(f"<th>{escape(cell)}</th>" for cell in heading)
    body = "".join(f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>" for row in rows)
    return f"<table><caption>{escape(caption)}</caption><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
