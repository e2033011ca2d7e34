"""Every verb of ``maskwise`` with its heading and one line of help. A verb's module is imported when it is used.

``maskwise --help`` prints this table and imports none of them, which is why it is fast.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, NamedTuple

import typer
from typer.core import TyperArgument, TyperCommand, TyperGroup

from maskwise.cli.foreign_options import bad_value, way_out
from maskwise.files import at_home

if TYPE_CHECKING:
    from typer._click import Command, Context, HelpFormatter

WORDS = "maskwise.words"
"""Where the words of the command line are kept for what is said about an unknown option."""


class Verb(NamedTuple):
    """A verb: the function, or the Typer app of a group, at ``place`` (``module:name`` below ``maskwise.cli``)."""

    heading: str
    place: str
    summary: str
    """For ``maskwise --help``; short enough not to be cut at 80 columns."""


VERBS: dict[str, Verb] = {
    "demo": Verb("Start", "run_verbs:demo", "Draw people, train, score, predict, report: in minutes"),
    "recipes": Verb("Start", "run_verbs:recipes", "List the shipped recipes, or show one"),
    "doctor": Verb("Start", "doctor_verb:doctor", "Show what this machine has: device, cores, extras, weights"),
    "data": Verb("Data", "data_verbs:app", "Import, check and audit data sets; draw people and masks"),
    "eda": Verb("Data", "eda_verbs:eda", "Describe a data set on one page"),
    "train": Verb("Train", "run_verbs:train", "Train a recipe and score it on held-out people"),
    "weights": Verb("Train", "weights_verbs:app", "List or fetch published weights"),
    "search": Verb("Train", "search_verbs:search", "Try augmentations, optimizers or batch sizes one by one"),
    "sweep": Verb("Train", "sweep_verb:sweep", "Search many settings at once"),
    "batch-size": Verb("Train", "bench_verbs:batch_size", "Find the largest batch that fits into memory"),
    "board": Verb("Compare", "board_verbs:board", "Rank the runs of a store"),
    "compare": Verb("Compare", "compare_verb:compare", "Test whether one run is better than another"),
    "report": Verb("Compare", "report_verb:report", "Write a page about one run"),
    "studio": Verb("Compare", "studio_verb:studio", "Show board, reports, data and predictions in a browser"),
    "ensemble": Verb("Compare", "ensemble_verbs:ensemble", "Combine several runs into one"),
    "distill": Verb("Compare", "distill_verb:distill", "Distill several models into one network"),
    "evaluate": Verb("Compare", "score_verbs:evaluate", "Score a predictions file against the truth"),
    "tag": Verb("Compare", "board_verbs:tag", "Add tags and notes to a run"),
    "store": Verb("Compare", "store_verbs:app", "Show disk space; delete runs"),
    "predict": Verb("Use", "predict_verb:predict", "Predict photos with a run or a bundle"),
    "submit": Verb("Use", "run_verbs:submit", "Predict the eval part and write a submission"),
    "submissions": Verb("Use", "submission_verbs:app", "List submissions and leaderboard scores"),
    "export": Verb("Use", "bundle_verbs:export", "Export a run as a bundle that needs no PyTorch"),
    "serve": Verb("Use", "serve_verb:serve", "Serve a bundle over HTTP, with a web page"),
    "ladder": Verb("The source write-up", "ladder_verbs:ladder", "Retrace its eleven days on your data"),
    "claims": Verb("The source write-up", "claims_verbs:claims", "Test each of its claims on your data"),
    "bench": Verb("This machine", "bench_verbs:app", "Measure training, prediction, decoding and start-up"),
}


class Verbs(TyperGroup):
    """The verbs of the table, under their headings."""

    def list_commands(self, ctx: Context) -> list[str]:  # noqa: ARG002 (typer's signature)
        """Names in the order of the table."""
        return list(VERBS)

    def get_command(self, ctx: Context, cmd_name: str) -> Command | None:  # noqa: ARG002
        """The verb, imported now."""
        if cmd_name not in self.commands and cmd_name in VERBS:
            self.commands[cmd_name] = load_verb(cmd_name)
        return self.commands.get(cmd_name)

    def resolve_command(self, ctx: Context, args: list[str]) -> tuple[str | None, Command | None, list[str]]:
        """As typer resolves it; the nearest name of the whole table is offered for an unknown verb."""
        if args and args[0] not in VERBS and not args[0].startswith("-"):
            from maskwise.errors import UserError, must, nearest

            raise UserError(must("the verb", "one of `maskwise --help`", args[0], nearest(args[0], VERBS)))
        return super().resolve_command(ctx, args)

    def parse_args(self, ctx: Context, args: list[str]) -> list[str]:
        """As typer parses them; the words are kept. ``~`` is the home folder also where the shell leaves it, as in
        ``--out=~/x``."""
        args = [_at_home(word) for word in args]
        ctx.meta[WORDS] = tuple(args)
        return super().parse_args(ctx, args)

    def invoke(self, ctx: Context) -> object:
        """Run the verb; an option that other programs have and this one spells differently gets its way out, and a
        value that an option does not take is refused in a line."""
        try:
            return super().invoke(ctx)
        except typer.TyperException as error:
            if said := way_out(getattr(error, "option_name", None), ctx.meta[WORDS]) or _said_of_value(error):
                from maskwise.errors import UserError

                raise UserError(said) from None
            raise

    def format_commands(self, ctx: Context, formatter: HelpFormatter) -> None:  # noqa: ARG002
        """The table, one section a heading."""
        width = max(map(len, VERBS))
        for heading in dict.fromkeys(verb.heading for verb in VERBS.values()):
            rows = [(name.ljust(width), verb.summary) for name, verb in VERBS.items() if verb.heading == heading]
            with formatter.section(heading):
                formatter.write_dl(rows)


def _said_of_value(error: Exception) -> str | None:
    """For a value that pydantic refused; None for any other error."""
    cause, param, ctx = error.__cause__, getattr(error, "param", None), getattr(error, "ctx", None)
    if cause is None or param is None:
        return None
    from pydantic import ValidationError

    if not isinstance(cause, ValidationError):
        return None
    words: list[str] = []
    while ctx is not None and ctx.parent is not None:
        words.insert(0, ctx.info_name)
        ctx = ctx.parent
    return bad_value(param.get_error_hint().split("'")[1], cause, " ".join(["maskwise", *words]))


def _at_home(word: str) -> str:
    option, is_, value = word.partition("=") if word.startswith("-") else ("", "", word)
    return f"{option}{is_}{at_home(value)}" if value.startswith("~") else word


class PlainArgument(TyperArgument):
    """An argument as its metavar says it: RUN, where typer writes {RUN} and RUN <str>."""

    def display_type_rich(self, ctx: Context) -> None:
        """No type in Python's words."""

    def _usage_display_name(self) -> str:
        name = self.display_name_raw
        name = name if self.required or name.startswith("[") else f"[{name}]"
        return name if self.nargs == 1 or "…" in name else f"{name}…"


def load_verb(name: str) -> Command:
    """Import a verb and make it a command."""
    module, _, attribute = VERBS[name].place.partition(":")
    found = getattr(importlib.import_module(f"maskwise.cli.{module}"), attribute)
    if not isinstance(found, typer.Typer):
        alone = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)
        alone.command(name, cls=TyperCommand)(found)
        found = alone
    command = typer.main.get_command(found)
    for each in (command, *getattr(command, "commands", {}).values()):
        for param in each.params:
            if isinstance(param, TyperArgument):
                param.__class__ = PlainArgument
    return command
