"""``maskwise compare``: is one run better than another for new people? No torch."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from maskwise.cli.options import (
    DEFAULT_STORE,
    RUN_HELP,
    ClassesOption,
    ForceOption,
    JsonOption,
    LanguageOption,
    OwnDataOption,
    StoreOption,
    data_of_run,
    refuse_output,
)
from maskwise.errors import UserError, must

if TYPE_CHECKING:
    from maskwise.evaluation.shared_photos import Arms
    from maskwise.store.runs import StoredRun
    from maskwise.workflows.compare_runs import ComparedRuns


def compare(
    a: Annotated[
        str,
        typer.Argument(metavar="A", help=f"The reference. {RUN_HELP} Join runs of several seeds with commas."),
    ],
    b: Annotated[str, typer.Argument(metavar="B", help="The candidate; as many runs as A, compared in pairs.")],
    more: Annotated[
        list[str] | None, typer.Argument(metavar="[C]", help="Further candidates to compare with A.")
    ] = None,
    rank: Annotated[bool, typer.Option("--rank", help="Rank all, with simultaneous confidence intervals.")] = False,
    changed: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the photos whose prediction changed to a CSV file.")
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", metavar="FILE", help="Also write a page: intervals, classes, changed photos."),
    ] = None,
    data: OwnDataOption = None,
    no_photos: Annotated[bool, typer.Option("--no-photos", help="Write the page without photos.")] = False,
    classes: ClassesOption = False,
    as_json: JsonOption = False,
    store: StoreOption = DEFAULT_STORE,
    language: LanguageOption = None,
    force: ForceOption = False,
) -> None:
    """Compare runs with the first one on the same held-out people, with 95 % intervals of the difference.

    Runs joined by commas are compared in pairs: the first of A with the first of B, and so on.
    """
    from maskwise.cli.plain_json import plain_json
    from maskwise.evaluation.changed_photos import changed_csv
    from maskwise.files import refuse_overwrite, write_atomically
    from maskwise.workflows.compare_runs import changed_of_arms, compare_runs, name_arms, read_arms

    if changed is not None:
        refuse_overwrite(changed, force)
    if out is not None:
        refuse_output(out, force)
    elif no_photos:
        raise UserError(must("--no-photos", "given together with --out", "no --out", "Name a page: --out FILE."))
    runs = find_arms([a, b, *(more or [])], store)
    arms, names = read_arms(runs), name_arms(runs)
    if changed is not None:
        write_atomically(changed, changed_csv(changed_of_arms(arms, names), arms.task))
    found = compare_runs(arms, names, rank=rank)
    if out is not None:
        photos_of = None if no_photos else data_of_run(runs[0][0].folder, data)
        write_atomically(out, compared_page(found, runs, arms, photos_of, out, language))
    typer.echo(plain_json(found) if as_json else compared_text(found, classes=classes))
    if out is not None:
        typer.echo(f"page: {out}", err=as_json)


def compared_page(
    found: ComparedRuns,
    runs: list[list[StoredRun]],
    arms: Arms,
    photos_of: Path | None,
    out: Path,
    language: Literal["en", "ko"] | None,
) -> str:
    """The page that is to lie at ``out``."""
    from maskwise.reports.reports_beside import reports_beside
    from maskwise.reports.run_comparison import run_comparison
    from maskwise.reports.words import in_language

    return in_language(run_comparison(found, runs, arms, photos_of, reports_beside(out)), language)


def compared_text(found: ComparedRuns, *, classes: bool = False) -> str:
    """Two arms in full, ``classes`` included where wanted, or several in short; the seeds needed; a ranking if made."""
    from maskwise.evaluation.format_comparison import format_comparison
    from maskwise.evaluation.format_several import format_ranking, format_several
    from maskwise.evaluation.seeds_needed import describe_seeds
    from maskwise.text_table import wrapped

    if len(found.comparisons) == 1:
        text = format_comparison(found.comparisons[0], *found.names, classes=classes)
        blocks = ["\n".join([text, *wrapped([describe_seeds(found.seeds[0])])])]
    else:
        plans = (f"{name}: {describe_seeds(plan)}" for name, plan in zip(found.names[1:], found.seeds, strict=True))
        blocks = ["\n".join([format_several(found.comparisons, found.names), *wrapped(plans)])]
    if found.ranking is not None:
        blocks.append(format_ranking(found.ranking, found.names))
    return "\n\n".join(blocks)


def find_arms(sides: list[str], store: Path) -> list[list[StoredRun]]:
    """The finished runs of every side; ``UserError`` for sides of unequal length and for a run twice on one side."""
    from maskwise.store.find_run import find_run
    from maskwise.store.runs import StoredRun, read_finished

    arms = [text.split(",") for text in sides]
    if len({len(arm) for arm in arms}) > 1:
        got = " and ".join(str(len(arm)) for arm in arms)
        raise UserError(f"sides to compare must be of equally many runs, got {got}. They are compared in pairs.")
    folders = [[find_run(store, ref.strip()) for ref in refs] for refs in arms]
    for refs, found in zip(arms, folders, strict=True):
        if len({folder.resolve() for folder in found}) < len(found):
            remedy = "Train it with other seeds."
            raise UserError(must("runs of a side", "different ones", ",".join(refs), remedy))
    return [[StoredRun(folder, read_finished(folder)) for folder in found] for found in folders]
