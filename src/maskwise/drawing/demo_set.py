"""A data set of drawn people in the competition's layout, so that everything can be tried without a real photo."""

from __future__ import annotations

import csv
import hashlib
import io
import multiprocessing
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from maskwise.drawing.portraits import PHOTO_STATES, draw_photo
from maskwise.drawing.traits import Gender, draw_person
from maskwise.errors import DataError, must
from maskwise.files import draft_folder, sync_folder
from maskwise.labels import GENDER_CLASSES, MASK_CLASSES, Attribute, Task
from maskwise.machine import usable_cores
from maskwise.records import Image, Ints
from maskwise.seeds import rng_for

COMPETITION_PEOPLE = ((549, 410, 83), (732, 817, 109))
"""The competition's training people: genders (male, female) × age groups (under 30, 30 to 59, 60 and over)."""
FLOOR_PEOPLE, FLOOR_FROM_PEOPLE = 3, 24
"""Every gender × age group has this many people, in a set of so many people or more."""
AGE_ENDS_YEARS = (18, 71)
"""The youngest age drawn, and the first that is too old."""
JPEG_QUALITY = 92
RACE = "Drawn"


@dataclass(frozen=True)
class DemoPerson:
    """Who is drawn under which number. The number is unique in a set and decides, with the seed, what is drawn."""

    number: int
    age_years: int
    gender: Gender

    @property
    def name(self) -> str:
        """The person's id: six digits."""
        return f"{self.number:06d}"

    @property
    def folder(self) -> str:
        """The folder of the person's photos in the training part."""
        return f"{self.name}_{self.gender}_{RACE}_{self.age_years}"


def write_demo_set(
    out: Path,
    people: int,
    eval_people: int,
    seed: int,
    advance: Callable[[int], None],
    workers: int | None = None,
) -> None:
    """Draw ``people`` to train on and ``eval_people`` to predict, seven photos each, into the new folder ``out``.

    Besides the competition's layout ``out`` holds ``eval_answers.csv`` (ImageID,ans,person,age), the truth about the
    eval part, whose people are numbered after those to train on. The seed decides everything that is drawn, whatever
    the number of ``workers``: processes, one a core (8 at most) if None; 1 draws in this process. ``out`` appears only
    when it is complete. ``advance(n)`` is called after every n photos. ``DataError`` for a number out of its range,
    and where ``out`` is a file or a folder with something in it.
    """
    _refuse_bad_request(out, people, eval_people, seed)
    train = plan_people(people, seed, first_number=1)
    test = plan_people(eval_people, seed, first_number=people + 1)
    with draft_folder(out) as draft:
        _write_tables(draft, train, test, seed)
        jobs = [(person, seed, _train_paths(draft, person)) for person in train]
        jobs += [(person, seed, _eval_paths(draft, person, seed)) for person in test]
        for finished in _draw_all(jobs, workers or min(usable_cores(), 8)):
            advance(finished)
        draft.replace(out)
        sync_folder(out.parent)


def plan_people(people: int, seed: int, first_number: int) -> tuple[DemoPerson, ...]:
    """Ages and genders by ``people_per_group``, in random order; within a group every age is as likely."""
    rng = rng_for(seed, "demo people", first_number)
    edges = (AGE_ENDS_YEARS[0], *Task().age_borders_years, AGE_ENDS_YEARS[1])
    drawn: list[tuple[int, Gender]] = []
    genders: tuple[Gender, ...] = ("male", "female")
    for gender, counts in zip(genders, people_per_group(people).tolist(), strict=True):
        for low, high, count in zip(edges[:-1], edges[1:], counts, strict=True):
            drawn += [(age_years, gender) for age_years in rng.integers(low, high, size=count).tolist()]
    order = rng.permutation(len(drawn)).tolist()
    return tuple(DemoPerson(first_number + place, *drawn[index]) for place, index in enumerate(order))


def people_per_group(people: int) -> Ints:
    """How many of ``people`` are of each gender (rows) and age group (columns): the competition's shares, rounded.

    No group has fewer than ``FLOOR_PEOPLE``. Below ``FLOOR_FROM_PEOPLE`` people all groups are as even as can be.
    """
    weight_G = np.array(COMPETITION_PEOPLE, dtype=np.float64).ravel()
    if people < FLOOR_FROM_PEOPLE:
        # The remainder goes to the groups that are largest in the competition.
        count_G = np.full(weight_G.size, people // weight_G.size)
        count_G[np.argsort(-weight_G)[: people % weight_G.size]] += 1
        return count_G.reshape(2, -1)
    floored_G = np.zeros(weight_G.size, dtype=bool)
    while True:
        left = people - FLOOR_PEOPLE * int(floored_G.sum())
        quota_G = np.where(floored_G, FLOOR_PEOPLE, left * weight_G / weight_G[~floored_G].sum())
        if np.all(floored_G | (quota_G >= FLOOR_PEOPLE)):
            break
        floored_G |= quota_G < FLOOR_PEOPLE
    # Largest remainders (Hamilton's method).
    count_G = np.floor(quota_G + 1e-9).astype(np.int64)
    count_G[np.argsort(count_G - quota_G, kind="stable")[: people - count_G.sum()]] += 1
    return count_G.reshape(2, -1)


def eval_image_id(person: DemoPerson, state: str, seed: int) -> str:
    """The name of a photo in the eval part: 40 hexadecimal digits that mean nothing, and ``.jpg``."""
    return hashlib.sha1(f"{seed}/{person.number}/{state}".encode()).hexdigest() + ".jpg"


def mask_code(state: str) -> int:
    """The mask class that one of ``PHOTO_STATES`` shows."""
    return MASK_CLASSES.index({"incorrect_mask": "incorrect", "normal": "not_worn"}.get(state, "worn"))


def _refuse_bad_request(out: Path, people: int, eval_people: int, seed: int) -> None:
    problems = [
        must(name, f"{least} or more", value, remedy)
        for name, value, least, remedy in (
            ("people", people, 1, "Ask for 24 people or more to have every gender and age group well filled."),
            ("eval_people", eval_people, 0, "Take 0 to have none."),
            ("seed", seed, 0, "Any whole number from 0 will do."),
        )
        if value < least
    ]
    if out.is_dir() and any(out.iterdir()):
        problems.append(must(f"{out}", "empty or missing", "a folder with files in it", "Choose another folder."))
    elif out.exists() and not out.is_dir():
        problems.append(must(f"{out}", "a folder, or missing", "a file", "Choose another name."))
    if problems:
        raise DataError(problems)


def _train_paths(root: Path, person: DemoPerson) -> tuple[Path, ...]:
    return tuple(root / "train" / "images" / person.folder / f"{state}.jpg" for state in PHOTO_STATES)


def _eval_paths(root: Path, person: DemoPerson, seed: int) -> tuple[Path, ...]:
    return tuple(root / "eval" / "images" / eval_image_id(person, state, seed) for state in PHOTO_STATES)


def _write_tables(root: Path, train: Sequence[DemoPerson], test: Sequence[DemoPerson], seed: int) -> None:
    (root / "train" / "images").mkdir(parents=True)
    (root / "eval" / "images").mkdir(parents=True)
    rows = [(person.name, person.gender, RACE, person.age_years, person.folder) for person in train]
    _write_csv(root / "train" / "train.csv", ("id", "gender", "race", "age", "path"), rows)
    answers = [
        (eval_image_id(person, state, seed), _class_of(person, state), person.name, person.age_years)
        for person in test
        for state in PHOTO_STATES
    ]
    answers = [answers[place] for place in rng_for(seed, "demo eval order").permutation(len(answers)).tolist()]
    _write_csv(root / "eval" / "info.csv", ("ImageID", "ans"), [(row[0], 0) for row in answers])
    _write_csv(root / "eval_answers.csv", ("ImageID", "ans", "person", "age"), answers)


def _class_of(person: DemoPerson, state: str) -> int:
    """The joint class of a photo."""
    task = Task()
    codes: dict[Attribute, Ints] = {
        "mask": np.array([mask_code(state)]),
        "gender": np.array([GENDER_CLASSES.index(person.gender)]),
        "age": task.age_group(np.array([person.age_years])),
    }
    return int(task.joint_class(codes)[0])


def _write_csv(path: Path, header: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    path.write_text(text.getvalue(), encoding="utf-8")


_Job = tuple[DemoPerson, int, tuple[Path, ...]]


def _draw_all(jobs: Sequence[_Job], workers: int) -> Iterator[int]:
    """Draw and write every job's photos; yields their number after each person."""
    if workers <= 1 or len(jobs) < 2 * workers:
        yield from map(_draw_person_photos, jobs)
        return
    # Fresh processes: forking one that may hold locks or a GPU is not safe.
    fresh = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, mp_context=fresh, initializer=_prepare_worker) as pool:
        yield from pool.map(_draw_person_photos, jobs, chunksize=2)


def _prepare_worker() -> None:
    """One thread a process; an interrupt is the parent's to handle, so that it is reported once."""
    cv2.setNumThreads(1)
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _draw_person_photos(job: _Job) -> int:
    person, seed, paths = job
    traits = draw_person(rng_for(seed, "demo person", person.number), person.age_years, person.gender)
    for place, (state, path) in enumerate(zip(PHOTO_STATES, paths, strict=True)):
        photo_HWC = draw_photo(traits, state, rng_for(seed, "demo photo", person.number, place))
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(_jpeg(photo_HWC))
    return len(paths)


def _jpeg(photo_HWC: Image) -> bytes:
    written, data = cv2.imencode(".jpg", photo_HWC[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
    if not written:
        raise RuntimeError("OpenCV was built without a JPEG writer")
    return bytes(data)
