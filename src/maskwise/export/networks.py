"""The networks of a bundle, and how their answers become one. No torch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from maskwise.ensembles.build import build_ensemble
from maskwise.errors import DataError, must
from maskwise.export.bundle_files import BundleFiles
from maskwise.export.engines import Precision, open_network, stored_as
from maskwise.export.manifest import Manifest, Member, Part
from maskwise.export.opened_network import EXPORT_AGAIN, Opened
from maskwise.export.prepare_photos import Prepared
from maskwise.labels import Attribute, Task
from maskwise.records import Floats, Image


class Asked(NamedTuple):
    """What R members say of N photos, before they vote."""

    probs_RNC: Floats
    age_years_N: Floats | None
    """Their mean; None unless every member tells ages."""


class _Said(NamedTuple):
    probs_NC: Floats
    age_years_N: Floats | None


_Net = Callable[[Image], _Said]


class Networks:
    """All networks of a bundle. Every call uses one core: several threads may call at once."""

    def __init__(self, manifest: Manifest, files: BundleFiles, precision: Precision, threads: int) -> None:
        self.manifest = manifest
        self._nets = {id(part): _open_part(files, part, manifest, precision, threads) for part in manifest.parts}

    def ask(self, prepared: Sequence[Prepared]) -> Asked:
        """What each member says of ``prepared``, in its order."""
        n_inputs = len(self.manifest.inputs)
        pixels = [np.stack([each.pixels[place] for each in prepared]) for place in range(n_inputs)]
        said = [self._ask_member(member, pixels) for member in self.manifest.members]
        ages = [each.age_years_N for each in said if each.age_years_N is not None]
        return Asked(
            np.stack([each.probs_NC for each in said]), np.mean(ages, axis=0) if len(ages) == len(said) else None
        )

    def vote(self, probs_RNC: Floats) -> Floats:
        """The members' probabilities as one; a single member comes back unchanged."""
        if len(probs_RNC) == 1:
            return np.asarray(probs_RNC[0])
        weights_R = np.array([member.weight for member in self.manifest.members])
        return build_ensemble(self.manifest.vote).combine(probs_RNC, weights_R)

    def _ask_member(self, member: Member, pixels: list[Image]) -> _Said:
        said = [self._ask_part(part, pixels[part.input]) for part in member.parts]
        attributes = [part.attributes for part in member.parts]
        probs_NC = multiplied([each.probs_NC for each in said], attributes, self.manifest.task)
        # Years are told by the part that reads the age group, else by the first that tells any.
        by_age = sorted(zip(attributes, said, strict=True), key=lambda pair: "age" not in pair[0])
        return _Said(probs_NC, next((each.age_years_N for _, each in by_age if each.age_years_N is not None), None))

    def _ask_part(self, part: Part, pixels_NHWC: Image) -> _Said:
        mirrored = np.ascontiguousarray(pixels_NHWC[:, :, ::-1]) if "mirrored" in part.views else pixels_NHWC
        views = [pixels_NHWC if view == "as_is" else mirrored for view in part.views]
        return _mean([_mean([net(view) for view in views]) for net in self._nets[id(part)]])


def multiplied(probs_of_parts: Sequence[Floats], attributes: Sequence[tuple[Attribute, ...]], task: Task) -> Floats:
    """Joint probabilities N × C from those of independent parts N × their own classes: the product, class by class."""
    if len(probs_of_parts) == 1 and attributes[0] == task.attributes:
        return probs_of_parts[0]
    codes = task.codes(np.arange(task.n_classes))
    joint_NC = np.ones((len(probs_of_parts[0]), task.n_classes), dtype=probs_of_parts[0].dtype)
    for probs_NP, names in zip(probs_of_parts, attributes, strict=True):
        own = Task(attributes=names, age_borders_years=task.age_borders_years)
        joint_NC = joint_NC * probs_NP[:, own.joint_class(codes)]
    return joint_NC


def _mean(said: Sequence[_Said]) -> _Said:
    """The plain mean, as prediction from the run takes it."""
    ages = [each.age_years_N for each in said if each.age_years_N is not None]
    probs_NC: Floats = np.mean([each.probs_NC for each in said], axis=0)
    return _Said(probs_NC, np.asarray(np.mean(ages, axis=0)) if ages else None)


def _open_part(files: BundleFiles, part: Part, manifest: Manifest, precision: Precision, threads: int) -> list[_Net]:
    names = [network.get(stored_as(precision)) for network in part.networks]
    shown = manifest.inputs[part.input]
    opened = []
    for name in names:
        if name is None:
            rule = " or ".join(manifest.precisions)
            raise DataError(must(f"precision of {files.place}", rule, precision, "Export it with --int8 to have both."))
        thing = f"{name} of {files.place}"
        network = open_network(files.read(name), precision, threads, thing)
        _refuse_other(network, [shown.height_px, shown.width_px, 3], part.tells_age, thing)
        opened.append(_net(network, part.tells_age))
    return opened


def _refuse_other(network: Opened, shape_HWC: list[int], tells_age: bool, thing: str) -> None:
    expected = ["probs", "age"] if tells_age else ["probs"]
    if network.outputs != expected or network.shape_HWC != shape_HWC:
        rule = f"{' and '.join(expected)} of pixels {shape_HWC}"
        got = f"{' and '.join(network.outputs)} of {network.shape_HWC}"
        raise DataError(must(thing, rule, got, EXPORT_AGAIN))


def _net(network: Opened, tells_age: bool) -> _Net:
    def ask(pixels_NHWC: Image) -> _Said:
        answers = network.ask(pixels_NHWC)
        return _Said(answers[0], answers[1] if tells_age else None)

    return ask
