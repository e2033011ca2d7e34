from __future__ import annotations

import re

import numpy as np

from maskwise.evaluation.reliability import ConfidenceBin
from maskwise.reports.line_charts import (
    Line,
    charts,
    epochs_chart,
    reliability_chart,
    scores_chart,
    svg_chart,
    value_histogram,
    x_at,
)
from maskwise.score import Score

NASTY = "<script>alert('x')</script>"


def dots(text: str) -> list[tuple[float, float]]:
    found = re.findall(r'class="dot" cx="([\d.]+)" cy="([\d.]+)"', text)
    return [(float(x), float(y)) for x, y in found]


def test_a_curve_falls_as_its_numbers_do_and_the_kept_epoch_is_ringed() -> None:
    text = epochs_chart("loss", [Line("fold 0", (4.0, 2.0, 3.0), 2), Line("fold 1", (4.0, 2.0, 1.0), 3)])
    paths = re.findall(r'class="drawn l\d" d="M([^"]+)"', text)
    first = [float(pair.split(",")[1]) for pair in paths[0].split("L")]
    assert len(paths) == 2
    assert first[0] < first[2] < first[1]  # y runs downwards
    rings = re.findall(r'class="kept l\d" cx="([\d.]+)" cy="([\d.]+)"', text)
    assert paths[0].split("L")[1] == ",".join(rings[0])
    assert paths[1].split("L")[2] == ",".join(rings[1])
    assert "fold 0 ends at 3.000" in text


def test_points_stand_at_their_scores_and_borders_between_the_years() -> None:
    whole = Score(1.0, float("nan"), float("nan"))
    text = scores_chart("age", [(28, Score(0.5, 0.25, 0.75)), (29, whole), (30, whole), (31, whole)], (30, 60), "age")
    places = dots(text)
    border = float(re.findall(r'class="border" d="M([\d.]+)', text)[0])
    assert places[1][0] < border < places[2][0]
    assert text.count('class="border"') == 1  # 60 lies outside
    floor = re.search(r'class="axis" d="M\d+,([\d.]+)H', text)
    assert floor is not None
    assert places[0][1] == (places[1][1] + float(floor[1])) / 2
    assert text.count('class="range"') == 1
    assert text.count("<svg") == 1 == charts(text).count("<svg")


def test_a_model_that_is_as_sure_as_it_ought_to_be_lies_on_the_diagonal() -> None:
    bins = [
        ConfidenceBin(0.2, 0.4, 10, 0.3, Score(0.3, 0.2, 0.4)),
        ConfidenceBin(0.8, 1.0, 40, 0.9, Score(0.9, 0.8, 1.0)),
    ]
    text = reliability_chart("joint", bins, 0.0)
    (start_x, start_y), (end_x, end_y) = (
        tuple(map(float, pair.split(","))) for pair in re.findall(r'class="border" d="M([^"L]+)L([^"]+)"', text)[0]
    )
    for x, y in dots(text):
        assert np.isclose((x - start_x) / (end_x - start_x), (y - start_y) / (end_y - start_y), atol=0.01)
    heights = [float(height) for height in re.findall(r'class="share"[^>]+height="([\d.]+)"', text)]
    assert np.isclose(heights[0] * 4, heights[1], atol=0.3)


def test_whatever_a_name_holds_it_is_text() -> None:
    score = Score(0.5, 0.4, 0.6)
    text = epochs_chart(NASTY, [Line(NASTY, (1.0,), 1)])
    text += scores_chart(NASTY, [(1, score), (2, score)], (2,), NASTY)
    text += reliability_chart(NASTY, [ConfidenceBin(0.0, 0.1, 1, 0.05, score)], 0.1)
    assert "<script" not in text


def test_a_loss_that_is_no_number_is_left_out() -> None:
    text = epochs_chart("loss", [Line("a", (1.0, float("nan"), float("inf")), 2)])
    assert "nan" not in re.sub(r"aria-label=\"[^\"]*\"|<title>[^<]*</title>", "", text)


def test_a_histogram_counts_every_value_and_columns_are_as_high_as_their_counts() -> None:
    text = value_histogram("height", np.array([10.0, 10, 10, 10, 11, 12, 12]), "pixels")
    heights = [float(height) for height in re.findall(r'<rect class="dot"[^>]* height="([\d.]+)"', text)]
    assert heights == [heights[0], heights[0] / 4, heights[0] / 2]
    assert "half of them are at most 10" in text
    shares = value_histogram("light", np.linspace(0, 1, 100), "brightness", 2)
    counts = [int(count) for count in re.findall(r"<title>[^:]*: (\d+)</title>", shares)]
    assert sum(counts) == 100
    assert len(counts) == 20
    assert ": 3</title>" in value_histogram("light", np.full(3, 0.5), "brightness", 2)


def test_long_labels_at_the_ends_stay_within_the_chart() -> None:
    across = [(x_at(0, 0, 1), "0.0004874"), (x_at(0.5, 0, 1), "0.0020000"), (x_at(1, 0, 1), "0.005117")]
    svg = svg_chart("rate", "words", "", across, "", 1.0)
    anchors = dict(re.findall(r'text-anchor="(\w+)">(0\.00\d+)<', svg))
    assert anchors == {"start": "0.0004874", "middle": "0.0020000", "end": "0.005117"}
    assert 'text-anchor="middle">10<' in svg_chart("rate", "words", "", [(x_at(1, 0, 1), "10")], "", 1.0)
