"""Look at a data set: read its labels, look at every photo once, count. No torch."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from maskwise.data.describe_set import SetNumbers, describe_set
from maskwise.data.manifest import Manifest, read_train
from maskwise.data.photo_facts import PhotoFacts, ShowsFace, look_at_photos
from maskwise.faces.box_store import BoxStore
from maskwise.labels import Task, known_attributes
from maskwise.listeners import Listener, note_left_out
from maskwise.records import Image


class Exploration(NamedTuple):
    """A data set, looked at."""

    manifest: Manifest
    facts: PhotoFacts
    numbers: SetNumbers
    task: Task


def explore_data(
    root: Path, task: Task, cache: Path, listener: Listener, *, faces: bool, corrections: Sequence[str] = ()
) -> Exploration:
    """The train part of the data set at ``root`` in numbers and small pictures.

    With ``faces`` every photo is searched for a face, which takes most of the time; what is found is kept in ``cache``,
    where a training finds it again.
    """
    manifest = read_train(root, task, corrections)
    for note in manifest.notes:
        listener.on_note(note)
    task = task.model_copy(update={"attributes": known_attributes(manifest.table)})
    boxes = BoxStore(cache, listener.on_note) if faces else None
    listener.on_stage("looking at photos", len(manifest.table))
    facts = look_at_photos(root, manifest.table.photo_N, face_finder(boxes) if boxes else None, listener.on_advance)
    note_left_out(listener, facts.problems)
    if boxes is not None:
        boxes.save()
    return Exploration(manifest, facts, describe_set(task.label(manifest.table), facts, task), task)


def face_finder(boxes: BoxStore) -> ShowsFace:
    """Whether a photo shows a face, remembered in ``boxes`` by the file's content."""

    def has_face(content: str, photo_HWC: Image) -> bool:
        return boxes.face(content, photo_HWC) is not None

    return has_face
