"""Draw what ``peers.py`` found: ``python benchmarks/peers_plot.py benchmarks/peers.json docs/pictures/peers.svg``.

Macro F1 on held-out people against the processor's minutes since the command, a line a training and a color an arm. On
white ground, so that it reads on light and dark pages alike.
"""

from __future__ import annotations

import json
import sys
from collections import defaultdict
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import NamedTuple

from maskwise.files import write_atomically

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 760, 380, 58, 20, 46, 50
HIGHEST, WANTED, LABEL_PX, LETTER_PX = 0.7, 0.55, 16, 7.4
OURS, THEIRS = "#1b6e4b", ("#b4532a", "#7b4fa0", "#2f6f9f", "#8a6d00", "#a3325c", "#4d4d4d")
TITLES = {
    "quick": "maskwise quick",
    "probe": "maskwise probe",
    "quick-imagenet": "maskwise quick-imagenet",
    "timm": "timm train.py",
    "timm-channels-last": "timm train.py --channels-last",
    "fastai": "fastai fine_tune",
    "fastai-faces": "fastai fine_tune, the same face network",
    "ultralytics": "Ultralytics classify, from scratch",
}

Trainings = Sequence[Sequence[tuple[float, float]]]
"""(minutes, macro F1) after each epoch, of each training of an arm."""


class Box(NamedTuple):
    """Where a name stands: its middle, and half its width, in pixels."""

    x: float
    y: float
    half: float


def main(results: Path, out: Path) -> None:
    """One SVG file."""
    trainings = defaultdict(list)
    for row in json.loads(results.read_text()):
        trainings[row["arm"]].append([(point["processor_minutes"], point["macro_f1"][0]) for point in row["points"]])
    write_atomically(out, picture(trainings))


def picture(trainings: Mapping[str, Trainings]) -> str:
    """The frame with its scales, and lines and a name for each arm."""
    longest = 1.02 * max(minutes for own in trainings.values() for points in own for minutes, _ in points)
    drawn, colors, taken = frame(longest), iter(THEIRS), list[Box]()
    for arm, own in sorted(trainings.items(), key=lambda each: each[1][-1][-1]):
        color = OURS if TITLES[arm].startswith("maskwise") else next(colors)
        places = [[at(minutes, score, longest) for minutes, score in points] for points in own]
        for points in places:
            path = "L".join(f"{x:.1f},{y:.1f}" for x, y in points)
            drawn.append(f'<path d="M{path}" fill="none" stroke="{color}" stroke-width="2"/>')
            drawn += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4.5" fill="{color}"/>' for x, y in points]
        drawn.append(label(TITLES[arm], max(points[-1] for points in places), color, taken))
    ends = {arm: own[0][-1] for arm, own in trainings.items()}
    words = "; ".join(
        f"{TITLES[arm]} {score:.2f} after {minutes:.1f} minutes" for arm, (minutes, score) in ends.items()
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" '
        f'font-family="system-ui, sans-serif" font-size="13" fill="#22262a" role="img"><title>{escape(words)}</title>'
        f"{''.join(drawn)}</svg>\n"
    )


def label(words: str, point: tuple[float, float], color: str, taken: list[Box]) -> str:
    """The name above ``point``, and above the names that are ``taken`` there; joins these."""
    half = len(words) * LETTER_PX / 2
    x, y = min(max(point[0], LEFT + half + 4), WIDTH - RIGHT - half), point[1] - 10
    while any(abs(x - other.x) < half + other.half and abs(y - other.y) < LABEL_PX for other in taken):
        y -= LABEL_PX / 4
    taken.append(Box(x, y, half))
    halo = 'stroke="#ffffff" stroke-width="4" paint-order="stroke"'
    style = f'text-anchor="middle" fill="{color}" font-weight="600" {halo}'
    return f'<text x="{x:.1f}" y="{y:.1f}" {style}>{escape(words)}</text>'


def frame(longest: float) -> list[str]:
    """Ground, titles, both scales, and the score that is wanted as a dashed line."""
    drawn = [
        f'<rect width="{WIDTH}" height="{HEIGHT}" rx="8" fill="#ffffff" stroke="#c8ccd0"/>',
        f'<text x="{LEFT}" y="26" font-weight="600">Macro F1 of 252 people who were held out</text>',
        f'<text x="{(LEFT + WIDTH) / 2}" y="{HEIGHT - 12}" text-anchor="middle">minutes of one core</text>',
    ]
    for tenth in range(round(HIGHEST * 10) + 1):
        y = at(0, tenth / 10, longest)[1]
        drawn.append(f'<path d="M{LEFT},{y:.1f}H{WIDTH - RIGHT}" stroke="#e3e6e8"/>')
        drawn.append(f'<text x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{tenth / 10:.1f}</text>')
    for minute in range(0, int(longest) + 1, 1 if longest < 12 else 2):
        x = at(minute, 0, longest)[0]
        drawn.append(f'<text x="{x:.1f}" y="{HEIGHT - BOTTOM + 18}" text-anchor="middle">{minute}</text>')
    wanted = at(0, WANTED, longest)[1]
    drawn.append(f'<path d="M{LEFT},{wanted:.1f}H{WIDTH - RIGHT}" stroke="#22262a" stroke-dasharray="5 4"/>')
    return drawn


def at(minutes: float, score: float, longest: float) -> tuple[float, float]:
    """Where a point stands, in pixels of the picture."""
    across, up = minutes / longest, score / HIGHEST
    return LEFT + across * (WIDTH - LEFT - RIGHT), HEIGHT - BOTTOM - up * (HEIGHT - TOP - BOTTOM)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
