"""The page as readers see it, in a real browser."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from potbench.reporting.page.write import write_page
from tests.reporting.figures_shown import SHORT
from tests.reporting.page.browser import Browser, needs_chromium
from tests.reporting.page.conftest import Written
from tests.reporting.page.test_write import EVIL, small_page

pytestmark = needs_chromium
FIGURES = 12
FIRST_COLUMN = "[...document.querySelectorAll('table')[0].tBodies[0].rows].map((row) => row.cells[0].textContent)"


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    browser = Browser(tmp_path_factory.mktemp("profile"))
    yield browser
    browser.close()


@pytest.fixture
def page(written: Written) -> Path:
    return written.folder / "report.html"


def visible(browser: Browser, selector: str) -> list[list[float]]:
    """Sizes of those elements that are shown."""
    shown = f"[...document.querySelectorAll({json.dumps(selector)})].filter((e) => e.checkVisibility())"
    sizes = f"{shown}.map((e) => e.getBoundingClientRect()).map((r) => [r.width, r.height])"
    found: list[list[float]] = browser.run(sizes)
    return [size for size in found if min(size) > 0]


def test_nothing_is_fetched_and_nothing_complains(browser: Browser, page: Path) -> None:
    browser.open(page)
    browser.run("for (const details of document.querySelectorAll('details')) details.open = true")
    browser.run("new Promise((resolve) => setTimeout(resolve, 200))")
    assert browser.complaints() == []
    assert browser.requests() == [page.resolve().as_uri()]


def test_a_script_that_is_not_the_page_s_own_does_not_run(browser: Browser, page: Path) -> None:
    browser.open(page)
    browser.run(
        "(() => { const script = document.createElement('script'); script.textContent = 'window.ran = 1';"
        "document.body.append(script); })()"
    )
    assert browser.run("window.ran") is None
    assert browser.complaints()


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without scripts"])
@pytest.mark.parametrize("width", [400, 800, 1300])
def test_every_figure_and_table_is_there_and_the_page_does_not_scroll_sideways(
    browser: Browser, page: Path, width: int, scripts: bool
) -> None:
    browser.open(page, width, scripts=scripts)
    assert len(visible(browser, ".frame svg")) == FIGURES
    assert len(visible(browser, "table")) >= 1
    assert len(visible(browser, "nav a")) == 9
    assert browser.run("document.documentElement.scrollWidth") == width
    assert len(visible(browser, ".open")) == (3 if scripts else 0)


def test_tables_are_cards_on_a_phone_and_rows_elsewhere(browser: Browser, page: Path) -> None:
    cell = "document.querySelector('tbody td')"
    label = f"getComputedStyle({cell}, '::before').content"
    browser.open(page, 400)
    assert browser.run(label) == '"Forces MAE (kcal/mol/Å)"'
    inside = browser.run(
        "document.querySelector('.scroll').scrollWidth <= document.querySelector('.scroll').clientWidth"
    )
    assert inside
    assert browser.run(f"{cell}.getBoundingClientRect().width") > 300
    browser.open(page, 1300)
    assert browser.run(label) == "none"


def test_a_click_sorts_by_number_and_another_the_other_way(browser: Browser, page: Path) -> None:
    browser.open(page)
    assert browser.run(FIRST_COLUMN) == SHORT
    heading = "thead th:nth-child(2)"
    browser.click(f"{heading} button")
    assert browser.run(f"document.querySelector('{heading}').getAttribute('aria-sort')") == "ascending"
    assert browser.run(FIRST_COLUMN) == SHORT
    browser.click(f"{heading} button")
    assert browser.run(f"document.querySelector('{heading}').getAttribute('aria-sort')") == "descending"
    assert browser.run(FIRST_COLUMN) == SHORT[::-1]
    assert browser.run("document.querySelectorAll('[aria-sort]').length") == 1


def test_keys_sort_too_and_names_sort_as_words(browser: Browser, page: Path) -> None:
    browser.open(page)
    browser.run("document.querySelector('thead th button').focus()")
    browser.press("Enter")
    assert browser.run(FIRST_COLUMN) == sorted(SHORT)
    browser.press("Enter")
    assert browser.run(FIRST_COLUMN) == sorted(SHORT, reverse=True)


def test_rows_without_a_number_stay_below_whichever_way(browser: Browser, page: Path) -> None:
    browser.open(page)
    for _ in range(2):
        browser.click("thead th:last-child button")
        assert browser.run(FIRST_COLUMN)[-1] == "sgdml"


def test_details_open(browser: Browser, page: Path) -> None:
    browser.open(page)
    tables = len(visible(browser, "table"))
    browser.click("details.data summary")
    assert len(visible(browser, "table")) == tables + 1


@pytest.mark.slow
def test_a_molecule_opens_in_three_dimensions_with_arrows_and_colors_of_energies_and_closes(
    browser: Browser, page: Path
) -> None:
    def colors_shown() -> set[tuple[int, int, int]]:
        with Image.open(io.BytesIO(browser.screenshot_of(".structure .view"))) as shown:
            return {color for _, color in shown.convert("RGB").getcolors(1 << 20)}

    browser.open(page)
    assert not visible(browser, ".key")
    assert browser.run("typeof window.$3Dmol") == "undefined"
    browser.click(".structure .open")
    assert len(visible(browser, ".structure canvas")) == 1
    assert len(visible(browser, ".structure .frame svg")) == 2
    colors = colors_shown()
    assert len(colors) > 100  # shaded spheres, not an empty canvas
    # the arrows are orange; ethanol itself is gray, white and red
    assert any(color[0] > 2 * color[2] + 60 and 1.4 < color[0] / max(color[1], 1) < 3 for color in colors)
    assert not any(color[2] > 2 * color[0] + 60 for color in colors)
    browser.click(".by-value")
    assert any(color[2] > 2 * color[0] + 60 for color in colors_shown())  # the atom of the least energy is blue
    assert browser.run("document.querySelector('.range').innerText.split(/\\s+/).join(' ')") == "−3.25 3.00 kcal/mol"
    browser.click(".structure .open")
    assert len(visible(browser, ".structure .frame svg")) == 3
    assert not visible(browser, ".key")
    assert browser.complaints() == []
    assert browser.requests() == [page.resolve().as_uri()]


def luminance(color: str) -> float:
    red, green, blue = (float(number) for number in re.findall(r"[\d.]+", color)[:3])
    return (0.2126 * red + 0.7152 * green + 0.0722 * blue) / 255


def test_a_dark_page_is_dark_with_light_text_lines_and_markers(browser: Browser, page: Path) -> None:
    style = "getComputedStyle(document.querySelector({!r})).{}"
    places = {"paper": ("body", "backgroundColor"), "text": ("body", "color"), "label": (".frame text", "fill")}
    found: dict[bool, dict[str, Any]] = {}
    for dark in (False, True):
        browser.open(page, dark=dark)
        found[dark] = {name: luminance(browser.run(style.format(*place))) for name, place in places.items()}
        spine = "[...document.querySelectorAll('.frame path')].map((p) => getComputedStyle(p).stroke)"
        found[dark]["lines"] = {luminance(color) for color in browser.run(spine) if color != "none"}
    assert found[False]["paper"] > 0.95
    assert max(found[False]["text"], found[False]["label"]) < 0.2
    assert found[True]["paper"] < 0.15
    assert min(found[True]["text"], found[True]["label"]) > 0.8
    assert 0 in found[False]["lines"]
    assert 0 not in found[True]["lines"]


def test_paper_has_every_figure_and_what_columns_mean(browser: Browser, page: Path) -> None:
    browser.open(page, dark=True)
    printed = browser.pdf()
    assert printed.startswith(b"%PDF")
    # a tagged PDF lists its figures, each with its description
    assert len(re.findall(rb"/S /Figure\b", printed)) >= FIGURES
    browser("Emulation.setEmulatedMedia", media="print")
    assert len(visible(browser, ".frame svg")) == FIGURES
    assert len(visible(browser, "dl")) == 1
    assert not visible(browser, "nav")
    assert luminance(browser.run("getComputedStyle(document.body).backgroundColor")) > 0.95
    browser.run("document.querySelector('.frame svg').setAttribute('viewBox', '0 0 500 3000')")
    # none is higher than a page of A4 within its margins, at 96 dots per inch
    assert max(height for _, height in visible(browser, ".frame svg")) <= 215 / 25.4 * 96 + 1
    browser("Emulation.setEmulatedMedia", media="")


def test_details_are_open_while_printing_alone(browser: Browser, page: Path) -> None:
    browser.open(page)
    for event, num_open in (("beforeprint", 1), ("afterprint", 0)):
        browser.run(f"window.dispatchEvent(new Event('{event}'))")
        assert len(visible(browser, "dl")) == num_open


def test_evil_names_are_text(browser: Browser, tmp_path: Path) -> None:
    browser.open(write_page(small_page(EVIL), tmp_path))
    assert browser.complaints() == []
    assert browser.run("document.querySelector('h1').textContent") == EVIL
    assert browser.run("document.title") == EVIL
    assert browser.run("document.querySelector('td').textContent").startswith(EVIL)
    assert browser.run("[...document.querySelectorAll('svg text')].some((t) => t.textContent.includes('<script>'))")
    assert browser.run("document.querySelectorAll('script:not(#viewer)').length") == 1
