"""What the columns and words of a table, or the folders, of one's own mean."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from maskwise.errors import must
from maskwise.settings import Settings

TableField = Literal["file", "gender", "age", "person", "mask"]
TABLE_FIELDS: tuple[TableField, ...] = ("file", "gender", "age", "person", "mask")


class TableWords(Settings):
    """What the columns and words of a CSV file mean, or the folders that photos lie in."""

    columns: dict[str, TableField] = Field(default_factory=dict)
    """The file's columns that are to be read as file, gender, age, person or mask."""

    genders: dict[str, Literal["male", "female"]] = Field(default_factory=dict)
    """Words of the gender column besides male, m, man, female, f, woman: {"0": male, "1": female}."""

    masks: dict[str, Literal["worn", "incorrect", "not_worn"]] = Field(default_factory=dict)
    """Words of the mask column besides worn, incorrect, not_worn and their likes: {"0": worn, "2": not_worn}."""

    folders: dict[str, str] = Field(default_factory=dict)
    """What folders mean: worn, incorrect, not_worn, male, female, an age or a bin, or - for nothing, joined by +."""

    @model_validator(mode="after")
    def _refuse_doubled(self) -> Self:
        meant = list(self.columns.values())
        doubled = sorted({name for name in meant if meant.count(name) > 1})
        if doubled:
            rule = f"one column for {doubled[0]}"
            raise ValueError(must("columns", rule, dict(self.columns), "Leave all but one out."))
        return self

    @property
    def column_of(self) -> dict[TableField, str]:
        """The file's column for each field; its own name where nothing else is said."""
        renamed = {meant: column for column, meant in self.columns.items()}
        return {name: renamed.get(name, name) for name in TABLE_FIELDS}
