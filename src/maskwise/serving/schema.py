"""What the service is asked and what it answers, as OpenAPI tells it. Bodies are photos, told in ``app``."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

Box = Annotated[list[float], Field(min_length=4, max_length=4)]


class PredictQuery(BaseModel):
    """How photos are read."""

    model_config = ConfigDict(extra="forbid")

    faces: Literal["whole", "each"] | None = Field(
        default=None,
        description="each: find the faces of a photo and answer for each. whole: read the photo as it is. By default "
        "each, if the model knows where a face stands in its training photos.",
    )
    abstain_below: float | None = Field(
        default=None, ge=0, le=1, description="Say abstain in place of what is less probable than this."
    )
    calibrated: bool = Field(default=False, description="Probabilities as sure as held-out people showed them to be.")


class ExplainQuery(BaseModel):
    """Which answer is explained."""

    model_config = ConfigDict(extra="forbid")

    face: int = Field(default=0, ge=0, le=1000, description="The number of the answer, as /v1/predict gives them.")
    faces: Literal["whole", "each"] | None = Field(default=None, description="As for /v1/predict.")


class _Told(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Problem(_Told):
    """Why something is not answered."""

    code: str = Field(description="For programs; stays the same.")
    message: str = Field(description="For people; may change.")


class ErrorAnswer(_Told):
    """Any answer that is not 200."""

    request_id: str
    error: Problem


class FaceAnswer(_Told):
    """How one face, or a whole photo, appears."""

    box_xyxy_px: Box | None = Field(
        description="Left, top, right, bottom in pixels of the upright photo; null for a whole photo."
    )
    face_confidence: float | None = Field(description="How sure the face detector is; null for a whole photo.")
    joint_class: int | Literal["abstain"] = Field(alias="class", description="Number of the joint class.")
    class_name: str
    confidence: float = Field(description="Probability of the joint class.")
    mask: str | None = Field(description="null where the model does not read it.")
    gender: str | None = Field(description="null where the model does not read it.")
    age_group: str | None = Field(description="null where the model does not read it.")
    age_years: float | None = Field(description="Expected age; null where the model does not tell one.")
    probs: dict[str, dict[str, float]] = Field(description="Of each class of each attribute.")
    joint_probs: list[float] = Field(description="Of each joint class, by its number.")


class PhotoAnswer(_Told):
    """One photo of the request."""

    image: int = Field(description="Its place in the request, from 0.")
    name: str | None = Field(description="The file name that was sent with it.")
    width_px: int | None = Field(description="Of the upright photo; null where it cannot be read.")
    height_px: int | None
    answers: list[FaceAnswer] = Field(description="Surest face first; empty where there is no face.")
    error: Problem | None


class PredictAnswer(_Told):
    """The answers for all photos of a request, in their order."""

    request_id: str
    results: list[PhotoAnswer]


class ExplainAnswer(_Told):
    """What an answer hangs on."""

    request_id: str
    grid_rows: int
    grid_cols: int
    box_xyxy_px: Box | None
    class_name: str
    drop: list[list[float]] = Field(
        description="How far the probability of the joint class falls when a patch around each cell is covered."
    )
    shown_png_base64: str = Field(description="What the model is shown: the picture under the grid.")


class ModelAnswer(_Told):
    """The model that answers."""

    name: str
    classes: list[str] = Field(description="Names of the joint classes, by their number.")
    attributes: dict[str, list[str]] = Field(description="Their classes.")
    inputs_px: list[list[int]] = Field(description="Height and width of what each network is shown.")
    members: list[str] = Field(description="The runs that it is made of.")
    tells_age_years: bool
    precision: str
    precisions: list[str]
    faces: list[str] = Field(description="How photos can be read: whole, each.")
    can_calibrate: bool
    abstain_below: float | None = Field(description="What the model card recommends, if anything.")
    checksum: str = Field(description="SHA-256 of its list of checksums: the same for the same model.")
    versions: dict[str, str] = Field(description="Of the programs that wrote it.")
    limits: dict[str, int] = Field(description="What a request may be.")
    card: str = Field(description="The model card in Markdown: uses, scores on held-out people, groups.")
    licences: str


class Health(_Told):
    """Whether the service works."""

    status: str


def answer_json(told: dict[str, Any], face_confidence: float | None) -> dict[str, Any]:
    """``Answer.to_dict`` as a ``FaceAnswer``."""
    return {
        "box_xyxy_px": told["box_xyxy_px"],
        "face_confidence": face_confidence,
        "class": told["class"],
        "class_name": told["class_name"],
        "confidence": told["confidence"],
        "mask": told.get("mask"),
        "gender": told.get("gender"),
        "age_group": told.get("age"),
        "age_years": told["age_years"],
        "probs": {("age_group" if name == "age" else name): each for name, each in told["attributes"].items()},
        "joint_probs": told["probs"],
    }
