"""README.md for the Hugging Face Hub: front matter that it reads, how to use the bundle, the model card.

The format of the front matter: https://huggingface.co/docs/hub/model-cards, section "Evaluation Results".
"""

from __future__ import annotations

import math
from typing import Any

import yaml

import maskwise
from maskwise.evaluation.scores import Evaluation

README = "README.md"


def hub_readme(card: str, name: str, data_name: str, evaluation: Evaluation | None) -> str:
    """The whole README; without ``evaluation`` there are no results in it."""
    about: dict[str, Any] = {
        "library_name": "maskwise",
        "pipeline_tag": "image-classification",
        "license": "other",
        "license_name": "see-LICENCES.md",
        "license_link": "LICENCES.md",
        "tags": ["maskwise", "onnx", "face", "mask", "age", "gender"],
        "model-index": [{"name": name, "results": _results(data_name, evaluation)}],
    }
    front = yaml.safe_dump(about, sort_keys=False, allow_unicode=True)
    use = (
        "```\n"
        f"pip install maskwise=={maskwise.__version__}\n"
        "maskwise predict FOLDER photo.jpg\n"
        "```\n\n`FOLDER` is this repository on your disk. From Python: "
        '`maskwise.load("FOLDER").predict("photo.jpg")`.\n'
    )
    return f"---\n{front}---\n\n{use}\n{card}"


def _results(data_name: str, evaluation: Evaluation | None) -> list[dict[str, Any]]:
    if evaluation is None:
        return []
    scores = {"joint class": evaluation.joint, **evaluation.per_attribute}
    metrics = [
        {"type": kind, "name": f"{shown}, {subject}", "value": round(value, 4)}
        for subject, each in scores.items()
        for kind, shown, value in (
            ("f1", "macro F1", each.macro_f1.value),
            ("accuracy", "accuracy", each.accuracy.value),
        )
        if math.isfinite(value)
    ]
    return [
        {
            "task": {"type": "image-classification"},
            "dataset": {"name": data_name, "type": data_name, "split": "held-out people"},
            "metrics": metrics,
        }
    ]
