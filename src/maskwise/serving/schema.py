"""Requests and responses of the service, as OpenAPI describes them. Request bodies are photos: see ``app``."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

Box = Annotated[list[float], Field(min_length=4, max_length=4)]


class PredictQuery(BaseModel):
    """How photos are predicted."""

    model_config = ConfigDict(extra="forbid")

    faces: Literal["auto", "whole", "each"] | None = Field(
        default=None,
        description="auto: one prediction per photo; where its largest face lies elsewhere than in training, of a cut "
        "around that face. whole: predict the photo as it is. each: find the faces of a photo and predict each. "
        "Default: the last that /v1/model offers, auto if the model knows where faces lie in its training photos.",
    )
    abstain_below: float | None = Field(
        default=None, ge=0, le=1, description="Give abstain in place of classes less probable than this."
    )
    calibrated: bool = Field(
        default=False, description="Calibrated probabilities (temperature fitted on held-out people)."
    )


class ExplainQuery(BaseModel):
    """Which prediction is explained."""

    model_config = ConfigDict(extra="forbid")

    face: int = Field(default=0, ge=0, le=1000, description="The number of the prediction, as in /v1/predict.")
    faces: Literal["auto", "whole", "each"] | None = Field(default=None, description="As for /v1/predict.")


class ModelQuery(BaseModel):
    """In which language the model is described."""

    model_config = ConfigDict(extra="forbid")

    language: Literal["en", "ko"] = Field(default="en", description="Of the model card and of what licenses say.")


class _Schema(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Problem(_Schema):
    """Why a request or a photo is refused."""

    code: str = Field(description="For programs; stays the same.")
    message: str = Field(description="For people; may change.")


class ErrorResponse(_Schema):
    """Any response but 200."""

    request_id: str
    error: Problem


class FacePrediction(_Schema):
    """How one face, or a whole photo, appears."""

    box_xyxy_px: Box | None = Field(
        description="Left, top, right, bottom of the face that was cut out, in pixels of the upright photo; null for a "
        "whole photo."
    )
    face_confidence: float | None = Field(description="Confidence of the face detector; null for a whole photo.")
    joint_class: int | Literal["abstain"] = Field(alias="class", description="Number of the joint class.")
    class_name: str
    confidence: float = Field(description="Probability of the joint class.")
    mask: str | None = Field(description="null where the model does not predict it.")
    gender: str | None = Field(description="null where the model does not predict it.")
    age_group: str | None = Field(description="null where the model does not predict it.")
    age_years: float | None = Field(description="Expected age; null where the model has no age head.")
    probs: dict[str, dict[str, float]] = Field(description="Of each class of each attribute.")
    joint_probs: list[float] = Field(description="Of each joint class, by its number.")


class PhotoPredictions(_Schema):
    """One photo of the request."""

    image: int = Field(description="Its place in the request, from 0.")
    name: str | None = Field(description="The file name that was sent with it.")
    width_px: int | None = Field(description="Of the upright photo; null where it cannot be read.")
    height_px: int | None
    faces_found: int | None = Field(description="How many faces were found; null where nobody looked.")
    cropped: bool = Field(description="Whether what was predicted is a cut around the face, not the photo as sent.")
    predictions: list[FacePrediction] = Field(description="Most confident face first; empty where there is none.")
    error: Problem | None


class PredictResponse(_Schema):
    """The predictions for all photos of a request, in their order."""

    request_id: str
    results: list[PhotoPredictions]


class ExplainResponse(_Schema):
    """What a prediction depends on."""

    request_id: str
    grid_rows: int
    grid_cols: int
    box_xyxy_px: Box | None
    class_name: str
    drop: list[list[float]] = Field(
        description="How far the probability of the joint class falls when a patch around each cell is covered."
    )
    shown_png_base64: str = Field(description="What the model is shown: the picture under the grid.")


class ModelResponse(_Schema):
    """The model that predicts."""

    name: str
    classes: list[str] = Field(description="Names of the joint classes, by their number.")
    attributes: dict[str, list[str]] = Field(description="Their classes.")
    inputs_px: list[list[int]] = Field(description="Height and width of what each network is shown.")
    members: list[str] = Field(description="The runs that it is made of.")
    predicts_age_years: bool
    precision: str
    precisions: list[str]
    faces: list[str] = Field(description="How photos can be predicted: whole, each, auto; the last is the default.")
    can_calibrate: bool
    abstain_below: float | None = Field(description="What the model card recommends, if anything.")
    checksum: str = Field(description="SHA-256 of its list of checksums: the same for the same model.")
    versions: dict[str, str] = Field(description="Of the programs that wrote it.")
    limits: dict[str, int] = Field(description="What a request may be.")
    card: str = Field(description="The model card in Markdown: uses, scores on held-out people, groups.")
    licences: str


class Health(_Schema):
    """Whether the service works."""

    status: str


def prediction_json(fields: dict[str, Any], face_confidence: float | None) -> dict[str, Any]:
    """``Prediction.to_dict`` as a ``FacePrediction``."""
    return {
        "box_xyxy_px": fields["box_xyxy_px"],
        "face_confidence": face_confidence,
        "class": fields["class"],
        "class_name": fields["class_name"],
        "confidence": fields["confidence"],
        "mask": fields.get("mask"),
        "gender": fields.get("gender"),
        "age_group": fields.get("age_group"),
        "age_years": fields["age_years"],
        "probs": fields["probabilities"],
        "joint_probs": fields["joint_probabilities"],
    }
