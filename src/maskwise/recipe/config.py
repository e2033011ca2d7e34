"""The recipe: everything that decides what a run learns, and nothing else."""

from __future__ import annotations

from typing import Self

from pydantic import model_validator

from maskwise.recipe.fields import RecipeFields
from maskwise.recipe.pairing import problems_of


class Recipe(RecipeFields):
    """One run. The file's first lines say the command, its cost, the score it reached and what it is for."""

    @model_validator(mode="after")
    def _refuse_senseless_pairs(self) -> Self:
        if problems := problems_of(self):
            raise ValueError("\n".join(problems))
        return self

    @property
    def optimistic(self) -> bool:
        """Whether the checkpoint is chosen on the people who are scored."""
        trainings = [part.train or self.train for part in self.parts] or [self.train]
        return any(training.checkpoint.kind == "scored_people" for training in trainings)
