"""Drawn people: what someone looks like, drawn at random from an age and a gender.

No trait shows age or gender alone. A person has an *apparent age* (the true age and some random years) and a
*lean* (a continuum from masculine to feminine whose two bells overlap); every trait follows one of the two with
randomness of its own. So a reader has to weigh many weak cues, as with photos.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from maskwise.drawing.canvas import Color, mix, shade

Gender = Literal["male", "female"]
Tied = Literal["open", "bun", "ponytail"]
BeardKind = Literal["none", "stubble", "moustache", "goatee", "full"]
ClothesKind = Literal["crew", "v_neck", "shirt", "turtleneck", "hoodie"]
GlassesKind = Literal["none", "round", "square", "thin"]

APPARENT_AGE_SPREAD_YEARS = 6.0
"""Standard deviation of how many years older or younger than they are people look."""
LEAN_MEAN = 0.8
"""Where the feminine bell stands; the masculine one stands at its negative."""
LEAN_SPREAD = 0.45
"""Standard deviation of both bells."""

SKIN_TONES: tuple[Color, ...] = (
    (250, 222, 200),
    (240, 200, 168),
    (222, 172, 132),
    (186, 132, 94),
    (138, 92, 64),
    (98, 64, 46),
)
HAIR_COLORS: tuple[Color, ...] = (
    (34, 28, 28),
    (56, 40, 32),
    (92, 62, 42),
    (134, 92, 56),
    (196, 156, 96),
    (150, 72, 40),
)
GRAY_HAIR: Color = (198, 196, 194)
IRIS_COLORS: tuple[Color, ...] = ((58, 38, 26), (92, 62, 36), (110, 116, 66), (86, 118, 140), (104, 134, 110))
CLOTHES_COLORS: tuple[Color, ...] = (
    (238, 238, 236),
    (52, 58, 72),
    (40, 40, 44),
    (150, 62, 66),
    (72, 104, 142),
    (92, 122, 98),
    (196, 164, 108),
    (184, 128, 150),
    (122, 112, 160),
    (132, 136, 142),
)
BACKDROPS: tuple[Color, ...] = (
    (218, 222, 226),
    (196, 206, 216),
    (226, 216, 202),
    (190, 204, 192),
    (206, 196, 210),
    (172, 180, 190),
    (232, 228, 220),
)


@dataclass(frozen=True)
class Bones:
    """Shape of head and body, in face units (see ``portrait_canvas``)."""

    jaw: float
    """Half width of the face at the height of the mouth."""
    chin: float
    """Half width of the chin."""
    chin_y: float
    nose_width: float
    nose_y: float
    neck: float
    """Half width of the neck."""
    shoulders: float
    """Half width of the shoulders."""


@dataclass(frozen=True)
class Features:
    """Eyes, brows and lips, in face units; colors as RGB."""

    eye_spacing: float
    eye_size: float
    eye_tilt: float
    iris: Color
    brow_thickness: float
    brow_arch: float
    brow_lift: float
    lip_fullness: float
    lip_width: float
    smile: float


@dataclass(frozen=True)
class Hair:
    """Hair of the head. ``length`` runs from 0 (cropped) to 1 (below the shoulders), the rest from 0 to 1 as well."""

    color: Color
    gray: float
    length: float
    volume: float
    curl: float
    fringe: float
    parting: float
    """Where the hair parts, in face units from the middle."""
    recession: float
    tied: Tied
    beard: BeardKind
    beard_density: float


@dataclass(frozen=True)
class Aging:
    """Traces of age, each from 0 (none) to 1 (deep)."""

    forehead: float
    crows_feet: float
    nasolabial: float
    bags: float
    lids: float
    """How far the upper lids droop."""
    jowls: float
    neck: float
    spots: float
    blush: float
    """Freshness of the cheeks: fades with age."""


@dataclass(frozen=True)
class Style:
    """What someone puts on."""

    lipstick: float
    eyeliner: float
    earrings: bool
    lipstick_color: Color
    clothes: ClothesKind
    clothes_color: Color
    glasses: GlassesKind
    glasses_color: Color
    backdrop: Color


@dataclass(frozen=True)
class Person:
    """Everything that a person's photos share."""

    age_years: int
    gender: Gender
    skin: Color
    bones: Bones
    features: Features
    hair: Hair
    aging: Aging
    style: Style


def draw_person(rng: np.random.Generator, age_years: int, gender: Gender) -> Person:
    """A person of this age (years, meant for 18 to 70) and gender; the same ``rng`` gives the same person."""
    apparent_years = age_years + APPARENT_AGE_SPREAD_YEARS * float(rng.standard_normal())
    lean = (LEAN_MEAN if gender == "female" else -LEAN_MEAN) + LEAN_SPREAD * float(rng.standard_normal())
    tone = float(rng.beta(1.3, 1.9))
    skin = _skin(rng, tone)
    return Person(
        age_years=age_years,
        gender=gender,
        skin=skin,
        bones=_bones(rng, lean),
        features=_features(rng, lean, apparent_years, tone),
        hair=_hair(rng, lean, apparent_years, tone),
        aging=_aging(rng, apparent_years),
        style=_style(rng, lean, apparent_years),
    )


def _skin(rng: np.random.Generator, tone: float) -> Color:
    plain = _along(SKIN_TONES, tone)
    warm = float(rng.normal(0, 4))
    return shade((plain[0] + warm, plain[1], plain[2] - warm), float(rng.uniform(0.97, 1.03)))


def _bones(rng: np.random.Generator, lean: float) -> Bones:
    def grow(male: float, female: float, spread: float) -> float:
        """Between both genders' sizes, by lean, with randomness of its own."""
        share = 0.5 + 0.5 * np.clip(lean, -1.6, 1.6)
        return float(male + (female - male) * share + rng.normal(0, spread))

    return Bones(
        jaw=grow(0.86, 0.78, 0.03),
        chin=grow(0.46, 0.33, 0.035),
        chin_y=grow(1.51, 1.40, 0.05),
        nose_width=grow(0.235, 0.19, 0.018),
        nose_y=grow(0.66, 0.60, 0.025),
        neck=grow(0.70, 0.52, 0.035),
        shoulders=grow(2.05, 1.7, 0.09),
    )


def _features(rng: np.random.Generator, lean: float, apparent_years: float, tone: float) -> Features:
    aged = _rise(apparent_years, 55, 15)
    iris = IRIS_COLORS[int(rng.integers(0, 2 if tone > 0.55 else len(IRIS_COLORS)))]
    return Features(
        eye_spacing=float(rng.normal(0.42, 0.018)),
        eye_size=float(np.clip(rng.normal(0.205 + 0.012 * lean, 0.012), 0.17, 0.25)),
        eye_tilt=float(rng.normal(0.01 + 0.015 * lean, 0.02)),
        iris=iris,
        brow_thickness=float(np.clip(rng.normal(0.088 - 0.028 * lean, 0.018), 0.03, 0.15)),
        brow_arch=float(np.clip(rng.normal(0.065 + 0.03 * lean, 0.02), 0.0, 0.14)),
        brow_lift=float(rng.normal(0.30 + 0.018 * lean, 0.018)),
        lip_fullness=float(np.clip(rng.normal(0.10 + 0.02 * lean - 0.025 * aged, 0.016), 0.05, 0.16)),
        lip_width=float(rng.normal(0.34, 0.022)),
        smile=float(rng.uniform(-0.005, 0.075)),
    )


def _hair(rng: np.random.Generator, lean: float, apparent_years: float, tone: float) -> Hair:
    dark = tone > 0.5 or rng.random() < 0.35
    color = _along(HAIR_COLORS[:3] if dark else HAIR_COLORS, float(rng.random()))
    dyed = rng.random() < 0.15 + 0.25 * _rise(lean, 0, 0.4)
    gray = _trait(rng, apparent_years, 53, 8, 0.6) * (0.25 if dyed else 1.0)
    length = float(np.clip(_rise(lean + rng.normal(0, 0.45), 0.15, 0.3) * rng.uniform(0.5, 1.05), 0, 1))
    tied: Tied = "open"
    if length > 0.45 and rng.random() < 0.35:
        tied = "bun" if rng.random() < 0.5 else "ponytail"
    bald = _rise(lean + rng.normal(0, 0.35), -0.35, -0.2)
    beard, density = _beard(rng, lean)
    return Hair(
        color=color,
        gray=gray,
        length=length,
        volume=float(np.clip(rng.normal(0.14, 0.05) - 0.05 * _rise(apparent_years, 60, 6), 0.03, 0.3)),
        curl=float(np.clip(rng.normal(0.2 + 0.35 * tone, 0.3), 0, 1)),
        fringe=float(rng.uniform(0.4, 1)) if rng.random() < 0.3 - 0.15 * _rise(apparent_years, 45, 8) else 0.0,
        parting=float(rng.choice([-0.4, -0.25, 0.0, 0.25, 0.4])),
        recession=float(np.clip(_trait(rng, apparent_years, 50, 10, 0.8) * bald * 1.25, 0, 1)),
        tied=tied,
        beard=beard,
        beard_density=density,
    )


def _beard(rng: np.random.Generator, lean: float) -> tuple[BeardKind, float]:
    if rng.random() > 0.75 * _rise(lean + rng.normal(0, 0.25), -0.45, -0.15):
        return "none", 0.0
    kinds: tuple[BeardKind, ...] = ("stubble", "moustache", "goatee", "full")
    kind = kinds[int(rng.choice(4, p=[0.45, 0.1, 0.18, 0.27]))]
    return kind, float(rng.uniform(0.35, 0.7) if kind == "stubble" else rng.uniform(0.7, 0.95))


def _aging(rng: np.random.Generator, apparent_years: float) -> Aging:
    return Aging(
        forehead=_trait(rng, apparent_years, 50, 8, 0.7),
        crows_feet=_trait(rng, apparent_years, 47, 8, 0.6),
        nasolabial=_trait(rng, apparent_years, 42, 9, 0.6),
        bags=_trait(rng, apparent_years, 50, 9, 0.7),
        lids=_trait(rng, apparent_years, 54, 9, 0.7),
        jowls=_trait(rng, apparent_years, 56, 8, 0.6),
        neck=_trait(rng, apparent_years, 52, 8, 0.6),
        spots=_trait(rng, apparent_years, 60, 6, 0.8),
        blush=1 - _trait(rng, apparent_years, 34, 8, 0.8),
    )


def _style(rng: np.random.Generator, lean: float, apparent_years: float) -> Style:
    made_up = _rise(lean + rng.normal(0, 0.4), 0.6, 0.25)
    sight = _rise(apparent_years, 50, 9)
    kinds: tuple[ClothesKind, ...] = ("crew", "v_neck", "shirt", "turtleneck", "hoodie")
    likely = np.array([0.3, 0.2 + 0.06 * lean, 0.2 - 0.05 * lean + 0.25 * sight, 0.12, 0.3 - 0.26 * sight])
    clothes = kinds[int(rng.choice(5, p=np.clip(likely, 0.02, None) / np.clip(likely, 0.02, None).sum()))]
    frames: tuple[GlassesKind, ...] = ("round", "square", "thin")
    glasses: GlassesKind = "none"
    if rng.random() < 0.14 + 0.3 * sight:
        glasses = frames[int(rng.integers(3))]
    return Style(
        lipstick=float(made_up * rng.uniform(0.2, 1.0)),
        eyeliner=float(made_up * rng.uniform(0.3, 1.0)),
        earrings=bool(rng.random() < 0.6 * made_up + 0.04),
        lipstick_color=((176, 42, 62), (190, 72, 84), (150, 44, 74), (198, 92, 86))[int(rng.integers(4))],
        clothes=clothes,
        clothes_color=shade(CLOTHES_COLORS[int(rng.integers(len(CLOTHES_COLORS)))], float(rng.uniform(0.9, 1.1))),
        glasses=glasses,
        glasses_color=((36, 34, 38), (92, 60, 40), (120, 122, 130), (70, 40, 48))[int(rng.integers(4))],
        backdrop=BACKDROPS[int(rng.integers(len(BACKDROPS)))],
    )


def _trait(rng: np.random.Generator, years: float, middle_years: float, width_years: float, chance: float) -> float:
    """A trace of age: rises around ``middle_years``; ``seeds`` moves the middle from person to person, in widths."""
    return _rise(years + width_years * chance * float(rng.standard_normal()), middle_years, width_years)


def _rise(value: float, middle: float, width: float) -> float:
    """The logistic curve: 0 well below ``middle``, ½ there, 1 well above (turned round for a negative width)."""
    return float(1 / (1 + np.exp(-np.clip((value - middle) / width, -30, 30))))


def _along(colors: tuple[Color, ...], share: float) -> Color:
    """A color between neighbors of the list, 0 for its first and 1 for its last."""
    place = share * (len(colors) - 1)
    first = min(int(place), len(colors) - 2)
    return mix(colors[first], colors[first + 1], place - first)
