"""The pictures of the documentation in a browser: all text fits."""

import pytest

from pictures.catalogue import PICTURES
from support.browser import browsing

pytestmark = pytest.mark.slow

FAULTS_OF_LAYOUT = """() => {
    const svg = document.querySelector("svg");
    const [, , width, height] = svg.getAttribute("viewBox").split(" ").map(Number);
    const texts = [...svg.querySelectorAll("text")].map(
        (element) => ({element, words: element.textContent, box: element.getBBox()}));
    const within = (box, x, y, width, height, by) =>
        box.x >= x + by && box.y >= y && box.x + box.width <= x + width - by && box.y + box.height <= y + height;
    const faults = [];
    for (const {element, words, box} of texts) {
        if (!within(box, 0, 0, width, height, 4)) faults.push(`out of the picture: ${words}`);
        const card = element.closest(".card")?.querySelector("rect").getBBox();
        if (card && !within(box, card.x, card.y, card.width, card.height, 6)) faults.push(`out of its box: ${words}`);
    }
    texts.forEach((one, index) => texts.slice(index + 1).forEach((other) => {
        const across = Math.min(one.box.x + one.box.width, other.box.x + other.box.width)
            - Math.max(one.box.x, other.box.x);
        const down = Math.min(one.box.y + one.box.height, other.box.y + other.box.height)
            - Math.max(one.box.y, other.box.y);
        if (across > 0 && down > 1) faults.push(`overlap: ${one.words} and ${other.words}`);
    }));
    return faults;
}"""


async def test_text_fits() -> None:
    """No text is outside its box or the picture, or overlaps another text."""
    async with browsing() as page:
        faults: dict[str, list[str]] = {}
        for name, draw in PICTURES.items():
            await page.set_content(draw())
            faults[name] = await page.evaluate(FAULTS_OF_LAYOUT)
        assert faults == {name: [] for name in PICTURES}
