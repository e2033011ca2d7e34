"""Pages in Korean: every text of a finished page is found by its English words, all of them in one file.

``korean.json`` holds a Korean text for each English one. ``{n}`` and ``{n1}`` stand for numbers, ``{x}`` and ``{x1}``
for names that stay as they are, any other ``{a}`` for what is itself translated where it is known (a class, say). What
nothing fits stays as it is: names of runs, paths, settings. A page either comes in one language, or holds the Korean of
its own texts and a script that shows them where the browser prefers Korean; that works from the disk and in print.
"""

from __future__ import annotations

import functools
import html
import json
import re
from collections.abc import Callable, Mapping, Sequence
from importlib.resources import files
from typing import Literal, NamedTuple

Language = Literal["en", "ko"]
LANGUAGES: tuple[Language, ...] = ("en", "ko")

_NUMBER = r"[-+−–±<>=≥≤~\d.,:/%× ]*[\d–][-+−–±\d.,:/%× ]*"
_VALUE = r"(?:(?![.!?]\s).)+?"
"""Whatever a page fills in, which is never more than a sentence."""
_TAG = re.compile(r"(<[^>]*>)")
_ATTRIBUTE = re.compile(r'(?<= )(aria-label|alt|title|placeholder)="([^"]*)"')
_RAW = ("script", "style", "pre", "code", "kbd")
"""Elements whose text is not for reading as a sentence; that of any with translate="no" or lang="en" stays, too."""
_JOINTS = (" · ", "; ", " → ", ": ", ", ", " × ")
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+")
_LETTERS = re.compile(r"[A-Za-z]{2,}|\d[smh]\b")
"""Words, or a time in seconds, minutes and hours."""
_MARK = re.compile(r"#+ |- |")
"""What makes a line of Markdown a heading or a part of a list."""

_OBSERVER = """
(() => {
  const shown = %s, filled = %s.map(([find, put]) => [new RegExp(`^${find}$`, 's'), put]);
  const preferred = (navigator.languages ?? [navigator.language]).find(each => /^(ko|en)/i.test(each)) ?? 'en';
  if (shown && !preferred.startsWith('ko')) return;
  const korean = text => {
    const bare = text.trim();
    if (shown && Object.hasOwn(shown, bare)) return text.replace(bare, () => shown[bare]);
    for (const [find, put] of filled) if (find.test(bare)) return bare.replace(find, put);
    return text;
  };
  const read = node => {
    if (node.nodeType === 3) {
      if (node.parentElement?.closest('script, style, pre, code, kbd, [translate=no]')) return;
      const put = korean(node.data); if (put !== node.data) node.data = put;
    } else if (node.nodeType === 1) {
      for (const name of ['aria-label', 'alt', 'title', 'placeholder']) {
        const text = node.getAttribute(name), put = text && korean(text);
        if (put && put !== text) node.setAttribute(name, put);
      }
      node.childNodes.forEach(read);
    }
  };
  document.documentElement.lang = 'ko';
  read(document.documentElement);
  new MutationObserver(all => all.forEach(each => each.type === 'characterData' ? read(each.target) :
    each.addedNodes.forEach(read))).observe(document.body, {subtree: true, childList: true, characterData: true});
})();
"""


class _Filled(NamedTuple):
    """An English text with places to fill in."""

    longest: str
    """Its longest piece between places."""
    said: int
    """Letters of all pieces: texts that say more are tried first."""
    find: re.Pattern[str]
    korean: str


class Words:
    """Korean texts by English ones."""

    def __init__(self, korean_of: Mapping[str, str]) -> None:
        self.korean_of = korean_of
        self._filled = sorted(
            (_filled(english, korean) for english, korean in korean_of.items() if "{" in english),
            key=lambda each: -each.said,
        )
        self.find = functools.lru_cache(maxsize=50_000)(self._find)

    def read(self, text: str) -> str:
        """``text`` in Korean as far as it is known: sentences that nothing fits stay English."""
        whole = self.find(text)
        if whole is not None:
            return whole
        return " ".join(self.find(each) or each for each in _SENTENCE_END.split(text))

    def _find(self, text: str) -> str | None:
        """The Korean of all of ``text``; itself where it has no words; None where it is not known."""
        if not _LETTERS.search(text):
            return text
        if text in self.korean_of:
            return self.korean_of[text]
        sentences = _SENTENCE_END.split(text)
        if len(sentences) > 1:
            return self._all(sentences, " ")
        for longest, _, find, korean in self._filled:
            if longest in text and (fitting := find.fullmatch(text)):
                return korean.format(**{name: self._value(name, value) for name, value in fitting.groupdict().items()})
        return self._joined(text)

    def _value(self, name: str, value: str) -> str:
        return value if name.startswith("x") else self.find(value) or value

    def _joined(self, text: str) -> str | None:
        """Of pieces that are all known, such as the attributes of a joint class, or of a name and a known text."""
        for joint in _JOINTS:
            found = self._all(text.split(joint), joint) if joint in text else None
            if found is not None:
                return found
        name, colon, rest = text.partition(": ")
        known = self.find(rest) if colon and " " not in name else None
        return None if known is None else f"{name}: {known}"

    def _all(self, pieces: Sequence[str], joint: str) -> str | None:
        found = [self.find(piece) for piece in pieces]
        return None if None in found else joint.join(map(str, found))


@functools.cache
def korean_words() -> Words:
    """Those of pages; texts that scripts make are found by the browser."""
    return Words(_tables()["pages"])


def service_words() -> dict[str, str]:
    """Those of the service's page, whose own script puts them in: ``{place}`` in both is the same."""
    return _tables()["service"]


def in_language(page: str, language: Language | None) -> str:
    """The HTML document ``page``, which is English, in ``language``; None: as the browser that shows it prefers."""
    if language == "en":
        return page
    words = korean_words()
    if language == "ko":
        changed = changed_texts(page, words.read)
        return _with_script(changed.replace('<html lang="en">', '<html lang="ko">', 1), None)
    found = {text: words.read(text) for text in texts_of(page)}
    return _with_script(page, {text: korean for text, korean in found.items() if korean != text})


@functools.lru_cache(maxsize=16)
def markdown_in(text: str, language: Language) -> str:
    """The Markdown ``text``, which is English, in ``language``: its lines, and the cells of its tables."""
    if language == "en":
        return text
    return "\n".join(map(_markdown_line, text.split("\n")))


def _markdown_line(line: str) -> str:
    words = korean_words()
    if line.startswith("|"):
        return "|".join(f" {words.read(cell)} " if (cell := each.strip()) else each for each in line.split("|"))
    mark = _MARK.match(line)
    assert mark is not None, "the mark may be empty"
    return mark[0] + words.read(line[mark.end() :])


def preferred_language(accepted: str) -> Language:
    """The language of an ``Accept-Language`` header, whose entries browsers send in their order."""
    wanted = [entry.strip()[:2].lower() for entry in accepted.split(",")]
    return next((known for each in wanted for known in LANGUAGES if known == each), "en")


def texts_of(page: str) -> list[str]:
    """All that people read on ``page``, tooltips and labels among it, without blanks around it; each text once."""
    found: dict[str, None] = {}
    changed_texts(page, lambda text: found.setdefault(text) or text)
    return list(found)


def changed_texts(page: str, change: Callable[[str], str]) -> str:
    """``page`` with ``change`` made to every text that people read; scripts, styles, code and ``pre`` stay."""
    pieces = _TAG.split(page)
    raw = ""
    for place, piece in enumerate(pieces):
        if place % 2 == 0:
            bare = piece.strip()
            if bare and not raw:
                put = html.escape(change(html.unescape(bare)), quote=False)
                pieces[place] = piece.replace(bare, put)
            continue
        name = re.split(r"[ />]", piece[1:].removeprefix("/"), maxsplit=1)[0].lower()
        if not raw:
            pieces[place] = _ATTRIBUTE.sub(
                lambda found: f'{found[1]}="{html.escape(change(html.unescape(found[2])))}"' if found[2] else found[0],
                piece,
            )
            stays = name in _RAW or ' translate="no"' in piece or (' lang="en"' in piece and name != "html")
            raw = name if stays and not piece.startswith("</") else ""
        elif piece.startswith("</") and name == raw:
            raw = ""
    return "".join(pieces)


def _with_script(page: str, shown: Mapping[str, str] | None) -> str:
    """``page`` with what makes texts Korean as they come: those of its script, and ``shown`` where the browser asks."""
    _, own, after = page.rpartition("<script>")
    own = own and after.partition("</script>")[0]
    if shown is None and not own:
        return page
    filled = [_for_script(_filled(english, korean)) for english, korean in _tables()["scripts"].items()] if own else []
    data = (json.dumps(each, ensure_ascii=False).replace("<", "\\u003c") for each in (shown, filled))
    observer = _OBSERVER % tuple(data)
    if own:
        return page.replace(f"<script>{own}</script>", f"<script>{observer}{own}</script>", 1)
    return page.replace("</body>", f"<script>{observer}</script></body>", 1)


def _filled(english: str, korean: str) -> _Filled:
    pieces = re.split(r"\{(\w+)\}", english)
    find = "".join(
        (f"(?P<{piece}>{_NUMBER if piece.startswith('n') else _VALUE})" if place % 2 else re.escape(piece))
        for place, piece in enumerate(pieces)
    )
    return _Filled(max(pieces[::2], key=len), len("".join(pieces[::2])), re.compile(find, re.DOTALL), korean)


def _for_script(filled: _Filled) -> tuple[str, str]:
    """The same for a browser: named groups and what is put in are written otherwise there."""
    return filled.find.pattern.replace("(?P<", "(?<"), re.sub(r"\{(\w+)\}", r"$<\1>", filled.korean)


@functools.cache
def _tables() -> dict[str, dict[str, str]]:
    text = files("maskwise.reports").joinpath("korean.json").read_text(encoding="utf-8")
    tables: dict[str, dict[str, str]] = json.loads(text)
    return tables
