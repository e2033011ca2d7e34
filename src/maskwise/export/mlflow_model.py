"""What MLflow calls to load a bundle as a ``python_function``: see its ``loader_module``. No torch, no mlflow."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from maskwise.export.reader import Bundle, load

if TYPE_CHECKING:
    from pandas import DataFrame


class MlflowModel:
    """A bundle with the one method that MLflow calls."""

    def __init__(self, bundle: Bundle) -> None:
        self.bundle = bundle

    def predict(self, photos: DataFrame, params: object = None) -> DataFrame:  # noqa: ARG002  (MLflow's signature)
        """A row for each row of ``photos``, whose column ``image`` holds the bytes of photo files (or paths)."""
        import pandas

        predictions = self.bundle.predict(photos["image"].tolist())
        rows = [{k: v for k, v in each.to_dict().items() if k != "box_xyxy_px"} for each in predictions]
        return pandas.DataFrame(rows, index=photos.index)


def _load_pyfunc(path: str) -> MlflowModel:
    """MLflow's entry point; ``path`` is the bundle."""
    return MlflowModel(load(Path(path)))
