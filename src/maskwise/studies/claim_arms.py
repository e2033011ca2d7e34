"""The source write-up's claims and the questions that it left open: arms, and what is said of their difference.

Every arm is the shipped recipe ``claims`` with one thing changed; an arm that several claims need is trained once. No
torch.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Says = Literal["better", "worse", "alike", "no better"]
"""What is said of arm b against arm a; ``judge_claims.judge`` gives the rules."""
ScoreOf = Literal["joint", "gender", "age"]
"""Whose macro F1 decides."""
Extra = Literal["agreement", "fit"]
"""A further look at a claim's runs: equal decisions, or training loss beside held-out loss."""
Need = Literal["room around the face", "ages near the border"]
"""What a set must have so that a claim can be tested on it; ``set_facts.unmet`` gives the rules."""


@dataclass(frozen=True)
class Arm:
    """A variant of the reference recipe."""

    name: str
    """Part of its runs' names."""
    words: str
    """What it is called in the table."""
    changes: tuple[str, ...] = ()
    """``path=value``, as ``--set`` takes them; none is the reference itself."""
    tuned: bool = False
    """Whether the whole net is trained, also in the small size, whose other arms train heads on cached features."""
    steps_of: Arm | None = None
    """It trains so many epochs that it takes about as many steps as this arm."""


@dataclass(frozen=True)
class PairedTest:
    """Arm b against arm a."""

    a: Arm
    b: Arm
    says: Says
    score_of: ScoreOf = "joint"
    needs_gpu: bool = False
    """Only for the full budget."""
    needs: Need | None = None
    unequal_work: bool = False
    """Whether b takes other numbers of steps than a: shown, but nothing is concluded from it."""


@dataclass(frozen=True)
class Claim:
    """A claim of the write-up (1 to 12), or a question that it left open (A to C; D stands with 5)."""

    number: str
    words: str
    tests: tuple[PairedTest, ...]
    extras: tuple[Extra, ...] = ()


def _smoothed(epsilon: float) -> Arm:
    change = f"targets=[{{kind: label_smoothing, epsilon: {epsilon}}}]"
    return Arm(f"smoothing-{epsilon}", f"label smoothing {epsilon}", (change,))


def _f1_focal(share: float) -> Arm:
    rest = round(1 - share, 1)
    f1, focal = f"{{weight: {share}, loss: {{kind: f1}}}}", f"{{weight: {rest}, loss: {{kind: focal}}}}"
    change = f"loss={{kind: weighted_sum, terms: [{f1}, {focal}]}}"
    return Arm(f"f1-{share}-focal-{rest}", f"{share} F1 + {rest} focal", (change,))


def _border(age_years: int) -> Arm:
    change = f"task.train_age_borders_years=[30, {age_years}]"
    return Arm(f"border-{age_years}", f"training border {age_years}", (change,))


def _f1_alone(classes: str) -> Arm:
    return Arm(f"f1-{classes}", f"F1 over {classes} classes", (f"loss={{kind: f1, classes: {classes}}}",))


def _steps_like(arm: Arm) -> Arm:
    return Arm(f"steps-of-{arm.name}", f"plain for as many steps as {arm.words}", tuned=arm.tuned, steps_of=arm)


# The windows have the shape of the input, so that crops are not squeezed.
_FACE_WINDOW = "{kind: face, width_over_height: 0.875}"
_TIGHT_WINDOW = "{kind: face, width_over_height: 0.875, margin_top: 0.0, margin_bottom: 0.0, margin_sides: 0.0}"
_WEIGHTED = "sampling.kind=weighted"
_WEIGHTS = "loss.class_weights.kind=inverse_share"
_RARE = "sampling={kind: oversample_rare, share: 0.5}"

PLAIN = Arm("plain", "plain")
PLAIN_TUNED = Arm("plain-tuned", "plain, fine-tuned", tuned=True)
FACE = Arm("face-crop", "face crop with hair and neck", (f"input.crop={_FACE_WINDOW}",), tuned=True)
TIGHT = Arm("tight-crop", "face crop without margins", (f"input.crop={_TIGHT_WINDOW}",), tuned=True)
WEIGHTED_SAMPLER = Arm("weighted-sampler", "weighted sampler", (_WEIGHTED,))
WEIGHTED_LOSS = Arm("weighted-loss", "weighted loss", (_WEIGHTS,))
WEIGHTED_BOTH = Arm("weighted-both", "weighted sampler and loss", (_WEIGHTED, _WEIGHTS))
COSINE = Arm("cosine-head", "softmax with a cosine head", ("model.head.kind=cosine",))
ARCFACE = Arm("arcface", "ArcFace", ("model.head.kind=cosine", "loss.kind=arcface"))
ARCFACE_SMALL = Arm(
    "arcface-0.2", "ArcFace, margin 0.2", ("model.head.kind=cosine", "loss={kind: arcface, margin: 0.2}")
)
FOCAL = Arm("focal", "focal alone", ("loss.kind=focal",))
MIXED = _f1_focal(0.4)
BF16 = Arm("bf16", "bf16", ("train.precision=bf16",), tuned=True)
FP16 = Arm("fp16", "fp16", ("train.precision=fp16",), tuned=True)
OVER_MALE = Arm(
    "oversample-male", "oversampling the men", ("sampling={kind: oversample_group, group: {gender: male}}",)
)
OVER_RARE = Arm("oversample-rare", "oversampling rare classes", (_RARE,))
OVER_RARE_TUNED = Arm("oversample-rare-tuned", "oversampling rare classes, fine-tuned", (_RARE,), tuned=True)
UNDER_MASKED = Arm(
    "two-masked", "two of five masked photos", ("sampling={kind: undersample_masked, photos_per_person: 2}",)
)
SOFT = Arm("soft-loss", "soft loss", ("targets=[{kind: soft_classes}]",))
HEADS = Arm("heads-3-2-3", "3+2+3 heads", ("model.head.kind=attributes",))
SOFT_HEADS = Arm("soft-heads", "3+2+3 heads with soft loss", ("model.head.kind=attributes", *SOFT.changes))
SEPARATE = Arm(
    "separate-models",
    "separate models",
    ("parts=[{attributes: [mask]}, {attributes: [gender, age]}]",),
)
SEPARATE_DATA = Arm(
    "separate-data",
    "separate models on different data",
    ("parts=[{attributes: [mask]}, {attributes: [gender, age], trains_on: {mask: worn}}]",),
)


def _equal_and_unequal_work(arm: Arm, plain: Arm) -> tuple[PairedTest, PairedTest]:
    """The write-up says that ``arm`` hurts: concluded at equal steps, shown at equal epochs, too."""
    return PairedTest(_steps_like(arm), arm, "worse"), PairedTest(plain, arm, "worse", unequal_work=True)


CLAIMS: tuple[Claim, ...] = (
    Claim(
        "1",
        "A crop around the face helps age and gender; hair and neck must stay in.",
        (
            PairedTest(PLAIN_TUNED, FACE, "better", "gender", needs="room around the face"),
            PairedTest(PLAIN_TUNED, FACE, "better", "age", needs="room around the face"),
            PairedTest(FACE, TIGHT, "worse", "gender", needs="room around the face"),
            PairedTest(FACE, TIGHT, "worse", "age", needs="room around the face"),
        ),
    ),
    Claim(
        "2",
        "A weighted sampler and a weighted loss (inverse class shares) help; the write-up used both together.",
        (
            PairedTest(PLAIN, WEIGHTED_SAMPLER, "better"),
            PairedTest(PLAIN, WEIGHTED_LOSS, "better"),
            PairedTest(PLAIN, WEIGHTED_BOTH, "better"),
        ),
    ),
    Claim(
        "3",
        "A training-time age border of 58 helps, 55 hurts; the best teams took 59.",
        (
            PairedTest(PLAIN, _border(58), "better", needs="ages near the border"),
            PairedTest(PLAIN, _border(55), "worse", needs="ages near the border"),
            PairedTest(PLAIN, _border(59), "better", needs="ages near the border"),
        ),
    ),
    Claim(
        "4",
        "ArcFace beats softmax, and 0.4 F1 + 0.6 focal beats both.",
        (
            PairedTest(PLAIN, ARCFACE, "better"),
            PairedTest(COSINE, ARCFACE, "better"),
            PairedTest(COSINE, ARCFACE_SMALL, "better"),
            PairedTest(PLAIN, MIXED, "better"),
            PairedTest(ARCFACE, MIXED, "better"),
            PairedTest(_f1_alone("present"), _f1_alone("all"), "better"),
        ),
    ),
    Claim(
        "A",
        "Is 0.4 : 0.6 the right ratio of F1 to focal? The write-up never searched it.",
        (
            PairedTest(MIXED, FOCAL, "better"),
            PairedTest(MIXED, _f1_focal(0.2), "better"),
            PairedTest(MIXED, _f1_focal(0.6), "better"),
            PairedTest(MIXED, _f1_focal(0.8), "better"),
        ),
    ),
    Claim(
        "5",
        "Half precision is about 20 % faster at the same score (question D: why it costs nothing was left open).",
        (PairedTest(PLAIN_TUNED, BF16, "alike"), PairedTest(PLAIN_TUNED, FP16, "alike", needs_gpu=True)),
        ("agreement",),
    ),
    Claim(
        "6",
        "Oversampling the men only, or rare classes only, overfits badly.",
        (
            *_equal_and_unequal_work(OVER_MALE, PLAIN),
            *_equal_and_unequal_work(OVER_RARE, PLAIN),
            *_equal_and_unequal_work(OVER_RARE_TUNED, PLAIN_TUNED),
        ),
        ("fit",),
    ),
    Claim(
        "7",
        "Keeping only n of the five masked photos of a person hurts.",
        _equal_and_unequal_work(UNDER_MASKED, PLAIN),
    ),
    Claim("8", "A soft loss (no one-hot targets) hurts.", (PairedTest(PLAIN, SOFT, "worse"),)),
    Claim(
        "9",
        "Label smoothing, tried from 0.6 to 1.0, found no good ratio: 0.6 and 0.8 taken away, or 0.6 to 0.7 kept.",
        tuple(PairedTest(PLAIN, _smoothed(epsilon), "no better") for epsilon in (0.3, 0.35, 0.4, 0.6, 0.8)),
    ),
    Claim(
        "B",
        "Was the range of label smoothing the wrong one? Usual are 0.05 to 0.2.",
        tuple(PairedTest(PLAIN, _smoothed(epsilon), "better") for epsilon in (0.05, 0.1, 0.2)),
    ),
    Claim(
        "10",
        "3+2+3 heads come close to 18 joint classes, but stay below.",
        (PairedTest(PLAIN, HEADS, "alike"), PairedTest(PLAIN, HEADS, "worse")),
    ),
    Claim(
        "C",
        "What does a soft loss do with 3+2+3 heads? The write-up did not try it.",
        (PairedTest(HEADS, SOFT_HEADS, "better"), PairedTest(SOFT, SOFT_HEADS, "better")),
    ),
    Claim(
        "11",
        "Separate models for mask and for age and gender gain nothing and cost time.",
        (PairedTest(PLAIN, SEPARATE, "no better"),),
    ),
    Claim(
        "12",
        "Trained on different data (age and gender on worn masks alone) separate models gain a little.",
        (PairedTest(PLAIN, SEPARATE_DATA, "better"), PairedTest(SEPARATE, SEPARATE_DATA, "better")),
    ),
)
"""In the order of the table."""
