"""The pictures of the documentation are up to date, true, and legible in light and dark."""

import re
from typing import Final
from xml.etree import ElementTree

import pytest

from docs.wording import ROOT, unwanted_in
from pictures import cpu_beside_sdks
from pictures.catalogue import PICTURES
from pictures.cpu_beside_peers import NAMES
from pictures.picture import COLOURS, LINES, SURFACES, TEXTS, Colour
from pictures.results import read_results
from pictures.retry_decision import GROUPS, effects_of, is_retried
from refold_async.faults import Fault
from refold_async.retry_table import RULES

IMAGES: Final = ROOT / "docs" / "images"
SVG: Final = "{http://www.w3.org/2000/svg}"


@pytest.mark.parametrize("name", PICTURES)
def test_picture_is_up_to_date(name: str) -> None:
    """The committed files are what is drawn from the committed results. If this fails: `make pictures`."""
    assert (IMAGES / f"{name}.svg").read_text(encoding="utf-8") == PICTURES[name]()


def test_every_picture_has_a_script() -> None:
    """Every file in the directory is drawn by a script."""
    assert {path.stem for path in IMAGES.glob("*.svg")} == set(PICTURES)


def test_every_picture_is_shown() -> None:
    """A page or the README shows each, with a text for those who do not see it."""
    pages = [ROOT / "README.md", *ROOT.glob("docs/**/*.md")]
    shown = [
        found
        for page in pages
        for found in re.findall(r"!\[([^]]+)\]\(.*?images/([\w-]+)\.svg\)", page.read_text("utf-8"))
    ]
    assert {name for _, name in shown} == set(PICTURES)
    assert all(len(text) > 30 for text, _ in shown)


@pytest.mark.parametrize("name", PICTURES)
def test_picture_is_described_and_loads_nothing(name: str) -> None:
    """It has a title and a description in plain words, and loads nothing."""
    picture = PICTURES[name]()
    root = ElementTree.fromstring(picture)
    assert root.attrib["role"] == "img"
    ids = root.attrib["aria-labelledby"].split()
    assert [(child.tag, child.attrib["id"]) for child in root[:2]] == [(f"{SVG}title", ids[0]), (f"{SVG}desc", ids[1])]
    assert {element.tag.removeprefix(SVG) for element in root.iter()} <= {
        *("svg", "title", "desc", "style", "g"),
        *("rect", "path", "circle", "text"),
    }
    assert not any(word in picture for word in ("url(", "@import", "href", "<!"))
    texts = [element.text or "" for element in root.iter() if element.tag != f"{SVG}style"]
    assert all(text.strip() for text in texts[1:3])
    assert [found for text in texts for found in unwanted_in(text)] == []
    sizes = [int(element.attrib["font-size"]) for element in root.iter(f"{SVG}text")]
    assert min(sizes) >= 18


def luminance(colour: str) -> float:
    """Return the relative luminance of a colour, as WCAG defines it."""
    channels = [int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    linear = [value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: Colour, other: Colour, scheme: int) -> float:
    """Return the contrast of two colours, as WCAG defines it."""
    lighter, darker = sorted((luminance(COLOURS[colour][scheme]) for colour in (one, other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
def test_contrast(scheme: int) -> None:
    """As WCAG AA requires, text has a contrast of 4.5 on every background, and lines have one of 3."""
    low = [(text, on) for text in TEXTS for on in SURFACES if contrast(text, on, scheme) < 4.5]
    low += [(line, on) for line in LINES for on in SURFACES if contrast(line, on, scheme) < 3]
    assert low == []


def test_retry_decision_is_the_retry_table() -> None:
    """Every fault of a group is retried as its picture says, and no other fault is ever retried."""
    asked: set[Fault] = set()
    for group in GROUPS:
        assert not asked & group.faults
        asked |= group.faults
        for fault in group.faults:
            rule = RULES[fault]
            assert {kind: getattr(rule, kind) for kind in group.kinds} == {
                kind: is_retried(group, kind) for kind in group.kinds
            }
            assert all(kind in group.kinds for kind in ("read", "write", "idempotent") if getattr(rule, kind))
        assert len(effects_of(group)) == 1 or group.causes.keys() == group.faults
    assert asked == {fault for fault, rule in RULES.items() if rule.read or rule.write or rule.idempotent}


def test_contestants_are_those_of_the_benchmark() -> None:
    """No contestant of the pictures was renamed. One in `sdks` makes no calls at the same time."""
    assert all({row[""] for row in table["rows"]} >= set(NAMES) for table in read_results("read")["tables"])
    single, many = ({row[""] for row in table["rows"]} for table in read_results("sdks")["tables"])
    assert single >= set(cpu_beside_sdks.NAMES)
    assert set(cpu_beside_sdks.NAMES) - many == {"composio"}
