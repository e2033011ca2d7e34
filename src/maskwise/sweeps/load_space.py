"""From a space, a base recipe and ``--set`` to a checked sweep; all problems come before anything is trained."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from maskwise.errors import RecipeError, must, nearest
from maskwise.files import at_home
from maskwise.recipe.changes import apply_changes
from maskwise.recipe.config import Recipe
from maskwise.recipe.explain import validated
from maskwise.recipe.identity import run_id
from maskwise.recipe.load import change_recipe, load_recipe
from maskwise.recipe.strict_yaml import read_settings, read_settings_file
from maskwise.sweeps.config import Space
from maskwise.sweeps.dimensions import Dimension, Params, changes_of, read_dimensions, searched_below

_SPACES = resources.files("maskwise") / "spaces"


@dataclass(frozen=True)
class Sweep:
    """A space, and the recipe that it is searched around."""

    space: Space
    base: Recipe
    """With the space's own changes and the user's."""
    dimensions: tuple[Dimension, ...]

    def recipe(self, params: Params, name: str) -> Recipe:
        """The base with a proposal's settings, called ``name``. ``RecipeError`` where they do not go together."""
        changes = [*changes_of(self.dimensions, params), f"name={name}"]
        return change_recipe(self.base, self.space.name, changes)

    def study_name(self, data_checksum: str) -> str:
        """Equal for equal spaces, bases and data, so the same command finds its study again."""
        # What only says how much or how the next run is chosen may differ between two calls.
        said = self.space.model_dump(mode="json", include={"search", "sampler", "pruning", "seed"})
        text = json.dumps([said, run_id(self.base, data_checksum)], sort_keys=True)
        return f"{self.space.name}-{hashlib.blake2b(text.encode(), digest_size=4).hexdigest()}"


def shipped_spaces() -> list[str]:
    """Names of the spaces that come with maskwise."""
    return sorted(entry.name.removesuffix(".yaml") for entry in _SPACES.iterdir() if entry.name.endswith(".yaml"))


def shipped_space_text(name: str) -> str:
    """The YAML of the shipped space ``name``. ``RecipeError`` for another name, with the nearest."""
    if name not in shipped_spaces():
        raise RecipeError(must("space", "a shipped one or a .yaml file", name, nearest(name, shipped_spaces())))
    return _SPACES.joinpath(f"{name}.yaml").read_text(encoding="utf-8")


def space_summary(name: str) -> str:
    """What the shipped space ``name`` is for: the first sentence after its remark on the command."""
    remarks = [line.lstrip("# ") for line in shipped_space_text(name).splitlines() if line.startswith("#")]
    return " ".join(remarks[1:]).split(". ")[0].rstrip(".") + "."


def load_sweep(reference: str, base: str | None, changes: Sequence[str]) -> Sweep:
    """The shipped space or YAML file ``reference``, on its own base or on ``base``, with ``--set`` changes of the base.

    ``RecipeError`` for what cannot be read, and for a change that the space would replace.
    """
    path = at_home(reference)
    if not reference.endswith((".yaml", ".yml")) and not path.is_file():
        return parse_sweep(shipped_space_text(reference), f"space {reference}", Path(), base, changes)
    text = read_settings_file(path, "space", shipped_spaces())
    return parse_sweep(text, str(path), path.parent, base, changes)


def parse_sweep(text: str, source: str, folder: Path, base: str | None, changes: Sequence[str]) -> Sweep:
    """The sweep of the space in ``text``; a base that is a file is looked for in ``folder``."""
    space = parse_space(text, source)
    dimensions = read_dimensions(space, source)
    own = base if base is not None else _base_of(space, folder)
    recipe = load_recipe(own, [f"{address}={json.dumps(value)}" for address, value in space.changes.items()])
    _refuse_idle(space, changes)
    if changes:
        recipe = change_recipe(recipe, f"recipe {own}", changes)
    problems = [f"{source}: {line}" for line in _base_problems(space, recipe)]
    if problems:
        raise RecipeError(problems)
    return Sweep(space, recipe, dimensions)


def parse_space(text: str, source: str) -> Space:
    """Validate the YAML ``text``. ``RecipeError`` with every problem, one line each."""
    return validated(Space, read_settings(text, source, "docs/sweeps.md"), source)


def _base_of(space: Space, folder: Path) -> str:
    return str(folder / space.base) if space.base.endswith((".yaml", ".yml")) else space.base


def _refuse_idle(space: Space, changes: Sequence[str]) -> None:
    apply_changes({}, [change for change in changes if "=" not in change])  # says what is wrong with such a change
    addresses = [change.partition("=")[0].strip() for change in changes]
    problems = [
        f"--set {address} would have no effect, as the space sets {searched}. Leave it out, or change the space."
        for address in addresses
        for searched in space.search
        if searched_below(address, searched) and len(address.split(".")) >= len(searched.split("."))
    ]
    if problems:
        raise RecipeError(problems)


def _base_problems(space: Space, base: Recipe) -> list[str]:
    problems = []
    if base.split.kind == "everyone":
        problems.append(must("split.kind", "hold_out or k_fold for a sweep", "everyone", "Nobody would be scored."))
    if space.pruning.kind == "none":
        return problems
    if base.parts or base.self_training is not None:
        rule = "none with parts or self_training, whose epochs are not those of one model"
        problems.append(must("pruning.kind", rule, space.pruning.kind, "Set it to none."))
    elif base.train.checkpoint.kind != "inner_hold_out":
        rule = f"inner_hold_out with pruning {space.pruning.kind}, as its people are neither trained on nor scored"
        remedy = "Add --set train.checkpoint.kind=inner_hold_out, or set pruning.kind to none."
        problems.append(must("train.checkpoint.kind", rule, base.train.checkpoint.kind, remedy))
    return problems
