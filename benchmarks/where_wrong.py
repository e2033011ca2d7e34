"""Where a run errs: ``python benchmarks/where_wrong.py RUN_FOLDER --data DIR``.

From a finished run's held-out predictions: the age group by true age, the mask by kind of photo, and how many of the
wrong masks come in pairs of one person whose photos were exchanged, as a wrong label does.
"""

from __future__ import annotations

import argparse
import itertools
from pathlib import Path

import numpy as np

from maskwise.data.manifest import read_train
from maskwise.labels import MASK_CLASSES
from maskwise.records import Ints
from maskwise.store.kept_files import read_held_out
from maskwise.text_table import aligned

EDGES_YEARS = (18, 22, 26, 30, 35, 40, 45, 50, 55, 60, 65, 73)


def main() -> None:
    """Two tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", type=Path, help="the folder of a finished run")
    parser.add_argument("--data", type=Path, required=True, help="the data set that it was trained on")
    words = parser.parse_args()
    predictions, task = read_held_out(words.run)
    photos = read_train(words.data, task).table
    years_of = dict(zip(photos.photo_N.tolist(), photos.age_years_N.tolist(), strict=True))
    years_N = np.array([years_of[photo] for photo in predictions.photo_N.tolist()])
    true, predicted = task.codes(predictions.class_N), task.codes(predictions.probs_NC.argmax(1))
    rows: list[tuple[str, ...]] = [("true age", "photos", "age group right", "gender right", "mean predicted age")]
    for low, high in itertools.pairwise(EDGES_YEARS):
        here = (years_N >= low) & (years_N < high)
        means = [(true[name][here] == predicted[name][here]).mean() for name in ("age", "gender")]
        ages = "" if predictions.age_years_N is None else f"{predictions.age_years_N[here].mean():.1f}"
        rows.append((f"{low} to {high - 1}", f"{here.sum()}", *(f"{mean:.3f}" for mean in means), ages))
    print("\n".join(aligned(rows)))
    print("\n".join(mask_lines(true["mask"], predicted["mask"], predictions.person_N.tolist())))


def mask_lines(true_N: Ints, predicted_N: Ints, person_N: list[str]) -> list[str]:
    """Wrong masks, by what is on the photo and what is predicted, and those of people with two of opposite kind."""
    wrong = np.flatnonzero(true_N != predicted_N)
    kinds: dict[tuple[str, str], int] = {}
    of_person: dict[str, set[tuple[str, str]]] = {}
    for place in wrong:
        kind = MASK_CLASSES[true_N[place]], MASK_CLASSES[predicted_N[place]]
        kinds[kind] = kinds.get(kind, 0) + 1
        of_person.setdefault(person_N[place], set()).add(kind)
    exchanged = [person for person, seen in of_person.items() if {(b, a) for a, b in seen} & seen]
    n_exchanged = sum(person_N[place] in exchanged for place in wrong)
    lines = [f"{count} photos labeled {a}, predicted {b}" for (a, b), count in sorted(kinds.items())]
    return [
        f"{len(wrong)} of {len(true_N)} masks wrong",
        *lines,
        f"{n_exchanged} of them of {len(exchanged)} people whose photos seem exchanged",
    ]


if __name__ == "__main__":
    main()
