"""A data set on one page, and in a few printed lines: what is in it, how uneven it is, what is odd."""

from __future__ import annotations

from html import escape
from pathlib import PurePosixPath

import numpy as np

from maskwise.data.describe_set import SetNumbers, mean_std_setting
from maskwise.data.photo_facts import PhotoFacts
from maskwise.labels import Attribute, Task
from maskwise.records import Image, Ints
from maskwise.reports import line_charts
from maskwise.reports.charts import STYLE, bars, figures, histogram, photo, shaded, shortened_list
from maskwise.reports.line_charts import value_histogram
from maskwise.reports.page import listed_sections, page, paragraph, preformatted, side_by_side, table
from maskwise.text_table import aligned
from maskwise.workflows.explore_data import Exploration

TILES, MORE_TILES = 8, 32
"""Photos of each class in its mosaic, and in the one that a click opens: of different people, evenly over the set."""
_QUALITY, _MORE_QUALITY = 82, 72
_UNIT = "photos · people"
_LISTED_PAIRS = 40
_LISTED_SIZES = 12


_STYLE = """<style>
.attributes { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 17rem), 1fr)); gap: 0 2rem; }
h3 { font-size: 1rem; margin: 0.9em 0 0.2em; } .ages { flex: 1 1 20rem; min-width: 0; }
.class { scroll-margin-top: 1rem; } .class summary { cursor: pointer; } .class small { color: var(--faint); }
.class summary .tiles { margin-top: 0.3rem; } .class > .tiles { margin-top: 4px; }
.class:target summary b { text-decoration: underline; }
</style>"""


def eda_page(explored: Exploration, title: str, *, photos: bool = True) -> str:
    """One self-contained HTML document; without ``photos`` it shows no photo and no mean face."""
    numbers, task = explored.numbers, explored.task
    sections = [
        ("Classes", [paragraph(_imbalance(numbers)), *_class_bars(numbers, photos)]),
        *([("A look at each class", [_mosaics(explored)])] if photos else []),
        ("Mask, gender and age", _attributes(numbers, task)),
        ("Light and size", _light_and_size(explored.facts)),
        ("Photos", _about_photos(numbers)),
        *([("Mean faces", _mean_faces(explored))] if photos else []),
        ("Faces not found", _faceless(numbers)),
        ("Likely duplicates", _duplicates(explored, photos)),
        *([("Unreadable photos", [shortened_list(numbers.unreadable)])] if numbers.unreadable else []),
    ]
    shown, contents = listed_sections([(f"part-{k}", name, parts) for k, (name, parts) in enumerate(sections)])
    return page(
        title,
        STYLE,
        line_charts.STYLE,
        _STYLE,
        _headline(numbers),
        *(paragraph(note) for note in explored.manifest.notes),
        *shown,
        contents=contents,
    )


def eda_text(numbers: SetNumbers, task: Task) -> str:
    """The short form for a terminal."""
    rows = [["class", "photos", "people"], *([r.name, f"{r.photos:,}", f"{r.people:,}"] for r in numbers.classes)]
    ages = [*numbers.people_of_age]
    sizes = ", ".join(f"{size} ({count:,})" for size, count in [*numbers.photos_of_size.items()][:3])
    formats = ", ".join(f"{name} ({count:,})" for name, count in numbers.photos_of_format.items())
    faceless = "not looked for" if numbers.faceless is None else f"{len(numbers.faceless):,} photos"
    each = ", ".join(f"{count:,} with {photos}" for photos, count in numbers.people_with_photos.items())
    return "\n".join(
        [
            f"{numbers.people:,} people, {numbers.photos:,} photos, {len(numbers.unreadable):,} unreadable",
            *aligned(rows),
            _imbalance(numbers),
            *aligned(_gender_rows(numbers, task)),
            f"ages: {f'{ages[0]} to {ages[-1]}' if ages else 'unknown'}",
            f"people by number of photos: {each}",
            f"sizes: {sizes}{' …' if len(numbers.photos_of_size) > 3 else ''}",
            f"formats: {formats}",
            "brightness, darkest to brightest (0, 5, 50, 95, 100 %): "
            + ", ".join(f"{value:.2f}" for value in numbers.brightness_quantiles),
            f"mean {mean_std_setting(numbers.mean_C)}, std {mean_std_setting(numbers.std_C)}",
            f"no face found: {faceless}",
            f"copied files: {len(numbers.copies):,} groups; near copies across people: {len(numbers.near):,} pairs",
        ]
    )


def _headline(numbers: SetNumbers) -> str:
    found = "–" if numbers.faceless is None else f"{len(numbers.faceless):,}"
    return figures(
        [
            (f"{numbers.people:,}", "people"),
            (f"{numbers.photos:,}", "photos"),
            (f"{numbers.bytes / 1e6:,.0f} MB", "on disk"),
            (f"{numbers.largest_over_smallest:,.0f} : 1", "commonest to rarest class"),
            (found, "photos without a face found"),
            (f"{len(numbers.near):,}", "likely duplicates across people"),
        ]
    )


def _imbalance(numbers: SetNumbers) -> str:
    present = [row for row in numbers.classes if row.photos]
    if not present:
        return "No photo has a known class."
    most, least = max(present, key=lambda row: row.photos), min(present, key=lambda row: row.photos)
    absent = [row.name for row in numbers.classes if not row.photos]
    return (
        f"The commonest class, {most.name}, has {most.photos:,} photos; the rarest, {least.name}, {least.photos:,} of "
        f"{least.people:,} people." + (f" Without any photo: {', '.join(absent)}." if absent else "")
    )


def _class_bars(numbers: SetNumbers, photos: bool) -> list[str]:
    """The largest class first; a click leads to its photos."""
    order = sorted(range(len(numbers.classes)), key=lambda code: -numbers.classes[code].photos)
    rows = [numbers.classes[code] for code in order]
    links = {numbers.classes[code].name: f"#class-{code}" for code in order if numbers.classes[code].photos and photos}
    note = [paragraph("Click a class to see more of it.")] if links else []
    return [*note, bars([(row.name, row.photos, f"{row.photos:,} · {row.people:,}") for row in rows], _UNIT, links)]


def attribute_rows(numbers: SetNumbers, task: Task, attribute: Attribute) -> list[tuple[str, int, str]]:
    """(class of the attribute, photos, photos and their share) of the photos whose joint class is known."""
    photos_C = np.array([row.photos for row in numbers.classes])
    code_C, names = task.codes(np.arange(task.n_classes))[attribute], task.classes(attribute)
    photos_K = np.bincount(code_C, weights=photos_C, minlength=len(names)).astype(np.int64).tolist()
    known = max(int(photos_C.sum()), 1)
    return [(name, n, f"{n:,} · {n / known:.0%}") for name, n in zip(names, photos_K, strict=True)]


def _gender_rows(numbers: SetNumbers, task: Task) -> list[list[str]]:
    names, groups = task.classes("gender"), task.classes("age")
    rows = [[name, *(f"{n:,}" for n in row)] for name, row in zip(names, numbers.people_GA.tolist(), strict=True)]
    return [["people", *groups], *rows]


def _attributes(numbers: SetNumbers, task: Task) -> list[str]:
    borders = task.age_borders_years
    words = f"people by age in years, with the borders {' and '.join(map(str, borders))}"
    each = "".join(
        f"<div><h3>{attribute}</h3>{bars(attribute_rows(numbers, task, attribute), 'photos · share')}</div>"
        for attribute in task.attributes
    )
    return [
        f'<div class="attributes">{each}</div>',
        side_by_side(
            f"<div><h3>people</h3>{shaded(numbers.people_GA, task.classes('gender'), task.classes('age'))}</div>",
            f'<div class="ages">{histogram(numbers.people_of_age, borders, words)}{paragraph(words)}</div>',
        ),
    ]


def _light_and_size(facts: PhotoFacts) -> list[str]:
    drawn = [value_histogram("photos by brightness", facts.brightness(), "0 (black) to 1 (white)", 2)]
    for name, value_N in (("width", facts.width_px_N), ("height", facts.height_px_N)):
        if len(np.unique(value_N)) > 1:
            drawn.append(value_histogram(f"photos by {name}", value_N.astype(np.float64), "pixels"))
    same = [
        f"All photos are {int(value_N[0])} pixels {word}."
        for word, value_N in (("wide", facts.width_px_N), ("high", facts.height_px_N))
        if len(np.unique(value_N)) == 1
    ]
    return [line_charts.charts(*drawn), *map(paragraph, same)]


def _about_photos(numbers: SetNumbers) -> list[str]:
    sizes = [[size, f"{count:,}"] for size, count in numbers.photos_of_size.items()]
    more = len(sizes) - _LISTED_SIZES
    sizes = [*sizes[:_LISTED_SIZES], *([[f"… {more:,} more sizes", ""]] if more > 0 else [])]
    formats = [[name, f"{count:,}"] for name, count in numbers.photos_of_format.items()]
    each = [[str(photos), f"{people:,}"] for photos, people in numbers.people_with_photos.items()]
    colors = [
        [name, f"{mean:.3f}", f"{std:.3f}"]
        for name, mean, std in zip(("red", "green", "blue"), numbers.mean_C, numbers.std_C, strict=True)
    ]
    return [
        side_by_side(
            table(["photos of a person", "people"], each),
            table(["width × height", "photos"], sizes),
            table(["format", "photos"], formats),
            table(["of all pixels", "mean", "std"], colors),
        ),
        paragraph("Brightness and colors run from 0 to 1. Every photo counts alike, whatever its size."),
        preformatted(f"mean: {mean_std_setting(numbers.mean_C)}\nstd: {mean_std_setting(numbers.std_C)}"),
    ]


def _mean_faces(explored: Exploration) -> list[str]:
    class_N = explored.manifest.table.class_N[explored.facts.index_N]
    cells = []
    for code, name in enumerate(explored.task.class_names):
        mine = np.flatnonzero(class_N == code)
        if len(mine):
            cells.append(_captioned(mean_face(explored.facts.small_NHWC, mine), name))
    note = "The mean of all photos of a class, pixel by pixel. Sharp edges show where photos are alike."
    return [paragraph(note), f'<div class="faces">{"".join(cells)}</div>']


def mean_face(small_NHWC: Image, index_M: Ints) -> Image:
    """The pixel mean of the photos at ``index_M``, summed in parts so that no large copy is made."""
    total = np.zeros(small_NHWC.shape[1:], dtype=np.float64)
    for begin in range(0, len(index_M), 1024):
        total += small_NHWC[index_M[begin : begin + 1024]].sum(axis=0, dtype=np.float64)
    return np.asarray(np.rint(total / len(index_M)), dtype=np.uint8)


def _captioned(image: Image, words: str) -> str:
    return f"<figure>{photo(image, words)}<figcaption>{escape(words)}</figcaption></figure>"


def _mosaics(explored: Exploration) -> str:
    """A card for each class, a few of its people; it opens to more of them."""
    seen, small_NHWC = explored.manifest.table.take(explored.facts.index_N), explored.facts.small_NHWC
    cards = []
    for code, row in enumerate(explored.numbers.classes):
        _, first = np.unique(np.where(seen.class_N == code, seen.person_N.astype(str), ""), return_index=True)
        mine = first[seen.class_N[first] == code]
        if len(mine):
            few = spread(mine, TILES)
            rest = spread(np.setdiff1d(mine, few), MORE_TILES)
            left = len(mine) - len(few) - len(rest)
            words = f"{len(rest):,} more people" if len(rest) else "All are shown."
            counts = f"{row.photos:,} photos, {row.people:,} people"
            tiles, more = (
                "".join(photo(small_NHWC[k], row.name, quality) for k in places)
                for places, quality in ((few, _QUALITY), (rest, _MORE_QUALITY))
            )
            cards.append(
                f'<details class="class" id="class-{code}"><summary><b>{escape(row.name)}</b> <small>{counts}</small>'
                f'<span class="tiles">{tiles}</span></summary><div class="tiles">{more}</div>'
                f"{paragraph(words + (f'; {left:,} are left out' if left else ''))}</details>"
            )
    return f'<div class="cards">{"".join(cards)}</div>'


def spread(places: Ints, most: int) -> Ints:
    """Up to ``most`` of ``places``, evenly spaced."""
    if len(places) <= most:
        return places
    return places[np.unique(np.linspace(0, len(places) - 1, most).round().astype(np.int64))]


def _faceless(numbers: SetNumbers) -> list[str]:
    if numbers.faceless is None:
        return [paragraph("Faces were not looked for (--no-faces).")]
    if not numbers.faceless:
        return [paragraph("The detector found a face in every photo.")]
    share = len(numbers.faceless) / max(numbers.photos, 1)
    return [
        paragraph(f"The detector finds no face in {len(numbers.faceless):,} photos ({share:.1%}). "),
        shortened_list(numbers.faceless),
    ]


def _duplicates(explored: Exploration, photos: bool) -> list[str]:
    numbers = explored.numbers
    compared = paragraph(f"Compared were {numbers.compared:,} photos, each with every other.")
    if not numbers.near and not numbers.copies:
        return [paragraph("None were found."), compared]
    parts = [compared]
    parts += [shortened_list([" = ".join(group) for group in numbers.copies])] if numbers.copies else []
    if numbers.near:
        parts.append(
            paragraph(
                "Photos of different people that are nearly the same picture. They may be one person under two ids: "
                "then no split should part them."
            )
        )
    place_of = {str(explored.manifest.table.photo_N[row]): k for k, row in enumerate(explored.facts.index_N.tolist())}
    cards = []
    for one, other, alike in numbers.near[:_LISTED_PAIRS]:
        names = " and ".join("/".join(PurePosixPath(name).parts[-2:]) for name in (one, other))
        tiles = "".join(photo(explored.facts.small_NHWC[place_of[name]], name) for name in (one, other) if photos)
        cards.append(f'<div><h3>{escape(names)} ({alike:.2f})</h3><div class="tiles">{tiles}</div></div>')
    more = len(numbers.near) - _LISTED_PAIRS
    return [
        *parts,
        f'<div class="cards">{"".join(cards)}</div>',
        *([paragraph(f"… and {more:,} more pairs.")] if more > 0 else []),
    ]
