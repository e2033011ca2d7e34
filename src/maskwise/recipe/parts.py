"""The parts of a recipe: what each has of its own, and what makes no sense in them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeVar

from maskwise.errors import must
from maskwise.labels import Attribute, Task
from maskwise.recipe.fields import Part, RecipeFields

AnyRecipe = TypeVar("AnyRecipe", bound=RecipeFields)

SECTIONS = ("input", "sampling", "augment", "mixing", "model", "targets", "loss", "auxiliary", "train")
"""What a part can have of its own."""


def part_names(attributes: Sequence[Sequence[str]]) -> tuple[str, ...]:
    """What parts of these attributes are called in folders and messages: ``gender-age``, a second ``gender-age-2``."""
    names = ["-".join(each) for each in attributes]
    counts = [names[: place + 1].count(name) for place, name in enumerate(names)]
    return tuple(f"{name}-{count}" if count > 1 else name for name, count in zip(names, counts, strict=True))


def with_part(recipe: AnyRecipe, part: Part) -> AnyRecipe:
    """The ordinary recipe of the one model that ``part`` is: its own sections, else those of ``recipe``."""
    own = {name: value for name in SECTIONS if (value := getattr(part, name)) is not None}
    borders_years = recipe.task.train_age_borders_years if "age" in part.attributes else None
    # None of this is checked again: what can go wrong with a part is found by ``part_problems`` and ``pairing``.
    task = recipe.task.model_copy(update={"attributes": part.attributes, "train_age_borders_years": borders_years})
    return recipe.model_copy(update={**own, "task": task, "parts": ()})


def part_problems(recipe: RecipeFields) -> list[str]:
    """One line for everything about the parts themselves that cannot be or would have no effect."""
    return [
        *_attribute_problems(recipe.parts, recipe.task),
        *_unlearned_problems(recipe.parts),
        *_idle_problems(recipe),
        *_equal_problems(recipe),
        *_other_trainings_problems(recipe),
    ]


def _attribute_problems(parts: tuple[Part, ...], task: Task) -> Iterator[str]:
    if len(parts) < 2:
        rule = "two or more, or left out"
        yield must("parts", rule, len(parts), "One model for all attributes is a recipe without parts.")
    if not are_shared_out([part.attributes for part in parts], task):
        names = ", ".join(task.attributes)
        rule = f"the attributes of the task, {names}, each in one part, or in parts with the same ones"
        got = " | ".join(", ".join(part.attributes) for part in parts)
        yield must("attributes of the parts", rule, got, "Name each once in a part.")


def are_shared_out(parts: Sequence[Sequence[Attribute]], task: Task) -> bool:
    """Whether the sets of attributes of ``parts`` that differ have each attribute of ``task`` once."""
    sets = {frozenset(part) for part in parts}
    named = [attribute for part in sets for attribute in part]
    repeated = any(len(set(part)) < len(part) for part in parts)
    return not repeated and all(sets) and sorted(named) == sorted(task.attributes)


def _equal_problems(recipe: RecipeFields) -> Iterator[str]:
    """Two parts that are one model twice, as both have the recipe's seed."""
    models = [(with_part(recipe, part), part.trains_on) for part in recipe.parts]
    for position, model in enumerate(models):
        if model in models[:position]:
            first = models.index(model)
            yield must(
                f"parts.{position}", "another model than the parts before", f"that of parts.{first}", "Change it."
            )


def _unlearned_problems(parts: tuple[Part, ...]) -> Iterator[str]:
    for position, part in enumerate(parts):
        group = part.trains_on
        for attribute in ("mask", "gender"):
            if group is not None and attribute in part.attributes and getattr(group, attribute) is not None:
                rule = f"left out of a part that predicts {attribute} (it would see one class)"
                remedy = "Leave it out, or move the attribute to another part."
                yield must(f"parts.{position}.trains_on.{attribute}", rule, getattr(group, attribute), remedy)


def _idle_problems(recipe: RecipeFields) -> Iterator[str]:
    """A section of the recipe that every part has of its own says nothing."""
    for name in SECTIONS:
        field = type(recipe).model_fields[name]
        replaced = all(getattr(part, name) is not None for part in recipe.parts)
        if replaced and (field.is_required() or getattr(recipe, name) != field.default):
            yield (
                f"{name} would have no effect, as every part has its own. "
                f"Leave {name} out of one part, which then has the recipe's."
            )


def _other_trainings_problems(recipe: RecipeFields) -> Iterator[str]:
    if recipe.self_training is not None:
        rule = "left out with parts (a photo would need pseudo-labels of every model)"
        yield f"self_training must be {rule}, got both. Leave one of them out."
    if recipe.distillation is not None:
        rule = "left out with parts (one network learns what several predict)"
        yield f"distillation must be {rule}, got both. Leave one of them out."
