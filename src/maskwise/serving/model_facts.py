"""What ``/v1/model`` says about a bundle."""

from __future__ import annotations

import hashlib
from typing import Any

import maskwise
from maskwise.export.bundle_files import BundleFiles
from maskwise.export.reader import Bundle
from maskwise.serving.config import ServeSettings
from maskwise.serving.service import faces_offered


def model_facts(bundle: Bundle, files: BundleFiles, settings: ServeSettings) -> dict[str, Any]:
    """The facts as JSON types, in the shape of ``schema.ModelResponse``."""
    manifest, task = bundle.manifest, bundle.task
    sums = "".join(f"{digest}  {name}\n" for name, digest in sorted(files.sha256_of.items()))
    return {
        "name": manifest.name,
        "classes": list(task.class_names),
        "attributes": {_shown(attribute): list(task.classes(attribute)) for attribute in task.attributes},
        "inputs_px": [[each.height_px, each.width_px] for each in manifest.inputs],
        "members": [member.name for member in manifest.members],
        "predicts_age_years": all(any(part.tells_age for part in member.parts) for member in manifest.members),
        "precision": bundle.precision,
        "precisions": list(manifest.precisions),
        "faces": list(faces_offered(bundle)),
        "can_calibrate": manifest.temperature is not None,
        "abstain_below": manifest.abstain_below,
        "checksum": hashlib.sha256(sums.encode()).hexdigest(),
        "versions": {**manifest.versions, "served_by": maskwise.__version__},
        "limits": {
            "body_bytes": settings.body_bytes,
            "photo_pixels": settings.photo_pixels,
            "request_images": settings.request_images,
        },
        "card": files.read("MODEL_CARD.md").decode("utf-8"),
        "licences": files.read("LICENCES.md").decode("utf-8"),
    }


def _shown(attribute: str) -> str:
    return "age_group" if attribute == "age" else attribute
