"""The networks of a bundle: what its members predict. No torch."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np

from maskwise.ensembles.vote_members import vote_folds
from maskwise.errors import DataError, must
from maskwise.export.bundle_files import BundleFiles
from maskwise.export.engines import BundlePrecision, open_network, stored_as
from maskwise.export.manifest import BundlePart, Manifest, Member
from maskwise.export.opened_network import EXPORT_AGAIN, Opened
from maskwise.export.prepare_photos import Prepared
from maskwise.probabilities import MemberProbabilities, Probabilities, averaged, multiplied, over_members
from maskwise.records import Image

_Net = Callable[[Image], Probabilities]


class Networks:
    """All networks of a bundle. Every call uses one core: several threads may call at once."""

    def __init__(self, manifest: Manifest, files: BundleFiles, precision: BundlePrecision, threads: int) -> None:
        self.manifest = manifest
        self._nets = {id(part): _open_part(files, part, manifest, precision, threads) for part in manifest.parts}

    def predict(self, prepared: Sequence[Prepared]) -> MemberProbabilities:
        """What each member predicts for ``prepared``, in its order."""
        n_inputs = len(self.manifest.inputs)
        pixels = [np.stack([each.pixels[place] for each in prepared]) for place in range(n_inputs)]
        return over_members([self._predict_member(member, pixels) for member in self.manifest.members])

    def _predict_member(self, member: Member, pixels: list[Image]) -> Probabilities:
        parts = [(part.attributes, self._predict_part(part, pixels[part.input])) for part in member.parts]
        return multiplied(parts, self.manifest.task)

    def _predict_part(self, part: BundlePart, pixels_NHWC: Image) -> Probabilities:
        mirrored = np.ascontiguousarray(pixels_NHWC[:, :, ::-1]) if "mirrored" in part.views else pixels_NHWC
        views = [pixels_NHWC if view == "as_is" else mirrored for view in part.views]
        in_turn, nets = part.fold_views == "in_turn", self._nets[id(part)]
        seen = [views[fold % len(views) :][:1] if in_turn else views for fold in range(len(nets))]
        folds = [averaged([net(view) for view in own]) for net, own in zip(nets, seen, strict=True)]
        return vote_folds(folds, part.fold_vote)


def _open_part(
    files: BundleFiles, part: BundlePart, manifest: Manifest, precision: BundlePrecision, threads: int
) -> list[_Net]:
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
        n_classes = math.prod(len(manifest.task.classes(attribute)) for attribute in part.attributes)
        opened.append(_net(network, part.tells_age, n_classes, thing))
    return opened


def _refuse_other(network: Opened, shape_HWC: list[int], tells_age: bool, thing: str) -> None:
    expected = ["probs", "age"] if tells_age else ["probs"]
    if network.outputs != expected or network.shape_HWC != shape_HWC:
        rule = f"{' and '.join(expected)} of pixels {shape_HWC}"
        got = f"{' and '.join(network.outputs)} of {network.shape_HWC}"
        raise DataError(must(thing, rule, got, EXPORT_AGAIN))


def _net(network: Opened, tells_age: bool, n_classes: int, thing: str) -> _Net:
    def predict(pixels_NHWC: Image) -> Probabilities:
        outputs = network.run(pixels_NHWC)
        shapes = [(len(pixels_NHWC), n_classes), (len(pixels_NHWC),)][: len(outputs)]
        if [each.shape for each in outputs] != shapes or not all(np.isfinite(each).all() for each in outputs):
            got = " and ".join(str(each.shape) for each in outputs)
            rule = f"one that gives numbers of the shape {' and '.join(map(str, shapes))}"
            raise DataError(must(thing, rule, f"{got}, or infinite ones", EXPORT_AGAIN))
        return Probabilities(outputs[0], outputs[1] if tells_age else None)

    return predict
