"""What write_page leaves, and that no name in it is ever markup."""

from __future__ import annotations

import html.parser
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import replace
from importlib.resources import files
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from potbench.reporting.errors_figure import ErrorRow, draw_errors
from potbench.reporting.page.content import (
    Banner,
    Check,
    Checklist,
    Code,
    Column,
    Page,
    PageFigure,
    PageTable,
    Section,
    Structure,
    Structures,
    Value,
)
from potbench.reporting.page.html import html as render
from potbench.reporting.page.html import linked
from potbench.reporting.page.markdown import plain
from potbench.reporting.page.svg import inline
from potbench.reporting.page.write import write_page
from tests.reporting.page.conftest import Written
from tests.reporting.page.sample import sample_page

EVIL = "<script>alert(1)</script> & \"'`|*_x_ $y$ --> <b>"
ROOT = Path(__file__).parents[3]
MOST_BYTES = 4_000_000


def figures(page: Page) -> Iterator[PageFigure]:
    for section in page.sections:
        for block in section.blocks:
            if isinstance(block, PageFigure):
                yield block
            elif isinstance(block, Structures):
                yield from (structure.drawing for structure in block.structures if structure.drawing)


def small_page(text: str = "text", drawing: bool = True) -> Page:
    """A page with a text in every place that a text may have."""
    table = PageTable(
        text, (Column(text), Column(text, text, text)), ((Value(text), Value(text, 1, True, text)),), (text,)
    )
    drawn = draw_errors([ErrorRow(text, text, (1.0, 2.0), None, None, None, False)], text, text)
    blocks = (text, table, Checklist((Check(text, None, text),)), Code(text, "bash"),
              Structures((Structure(text, text),)))  # fmt: skip
    figure = PageFigure("figure", text, text, drawn, table)
    sections = (Section("a", text, (*blocks, figure) if drawing else blocks),)
    return Page(text, text, text, sections, (Banner("red", text),), (text,))


class Tags(html.parser.HTMLParser):
    """Counts elements, and gathers what is shown."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.shown: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs

    def handle_data(self, data: str) -> None:
        self.shown.append(data)


def test_every_figure_is_on_the_page_and_beside_it(written: Written) -> None:
    names = [figure.name for figure in figures(written.page)]
    assert len(names) == 12
    assert written.html.count('role="img"') == 12
    starts = {"svg": b"<?xml", "png": b"\x89PNG", "pdf": b"%PDF"}
    for name in names:
        for kind, start in starts.items():
            assert (written.folder / "figures" / f"{name}.{kind}").read_bytes().startswith(start)
            assert f'href="figures/{name}.{kind}"' in written.html
        assert f"](figures/{name}.png)" in written.markdown
    assert len(list((written.folder / "figures").iterdir())) == 3 * 12


def test_the_page_is_one_small_file_that_fetches_nothing(written: Written) -> None:
    assert len(written.html.encode()) < MOST_BYTES
    fetching = [(name, value) for name, value in Tags(written.html).attributes if name in {"src", "srcset", "data"}]
    assert not fetching
    assert "@import" not in written.html
    links = re.findall(r'<link[^>]*href="([^"]*)"', written.html)
    assert links == ["data:,"]
    assert "default-src 'none'" in written.html


def test_names_of_elements_are_unique(written: Written) -> None:
    names = [value for name, value in Tags(written.html).attributes if name == "id"]
    assert len(names) == len(set(names)) > 50


def test_what_a_figure_refers_to_is_its_own(written: Written) -> None:
    names = {value for name, value in Tags(written.html).attributes if name == "id"}
    referred = set(re.findall(r'url\(#([^)]+)\)|xlink:href="#([^"]+)"|aria-labelledby="([^"]+)"', written.html))
    assert len(referred) > 20
    assert {name for found in referred for part in found for name in part.split()} <= names


def test_the_same_page_is_the_same_file(tmp_path: Path) -> None:
    once, again = (write_page(small_page(), tmp_path / name).read_bytes() for name in ("once", "again"))
    assert once == again


def test_the_viewer_is_there_only_for_structures() -> None:
    page = sample_page(["a", "b"])
    without = replace(page, sections=tuple(section for section in page.sections if section.name in {"fair", "repeat"}))
    assert 'id="viewer"' not in render(without, {})
    assert len(render(without, {})) < 40_000
    assert 'id="viewer"' in render(small_page(drawing=False), {})


def test_no_name_is_markup_in_html(tmp_path: Path) -> None:
    harmless, evil = (
        Tags(write_page(small_page(text), tmp_path / str(len(text))).read_text()) for text in ("text", EVIL)
    )
    # in figures a name is drawn in several lines, and after an underscore any may break
    ours = [
        [tag for tag in tags if tag not in {"g", "text", "use", "path", "wbr"}] for tags in (harmless.tags, evil.tags)
    ]
    assert ours[0] == ours[1]
    assert evil.tags.count("script") == harmless.tags.count("script") == 2
    assert "".join(evil.shown).replace("\xa0", " ").count("<script>alert(1)</script> & ") >= 20


def test_no_name_is_markup_in_svg(tmp_path: Path) -> None:
    write_page(small_page(EVIL), tmp_path)
    root = ET.parse(tmp_path / "figures" / "figure.svg").getroot()
    assert not [element for element in root.iter() if "script" in element.tag]
    texts = "".join("".join(element.itertext()) for element in root.iter("{http://www.w3.org/2000/svg}text"))
    assert "<script>alert(1)</script> & " in texts


def test_no_name_is_markup_in_markdown(tmp_path: Path) -> None:
    write_page(small_page(EVIL), tmp_path)
    text = (tmp_path / "report.md").read_text()
    outside = re.sub(r"^(`{3,})\w*\n.*?^\1$", "", text, flags=re.DOTALL | re.MULTILINE)
    assert "<script" not in outside
    assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp;" in outside
    rows = [line for line in outside.split("\n") if line.startswith("| ")]
    assert {len(re.findall(r"(?<!\\)\|", row)) for row in rows} == {3}


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("a_b", "a_b"),
        ("_a_ *b*", r"\_a\_ \*b\*"),
        ("1. one", r"1\. one"),
        ("- one", r"\- one"),
        ("0.5", "0.5"),
        ("-0.5", "-0.5"),
        ("---", r"\---"),
        ("# one", r"\# one"),
        ("a\n\nb", "a b"),
        ("a|b [c](d)", r"a\|b \[c\](d)"),
    ],
)
def test_markdown_shows_text_as_it_is(text: str, escaped: str) -> None:
    assert plain(text) == escaped


@pytest.mark.parametrize(
    ("text", "markup"),
    [
        ("see doi:10.1063/1.5019779.", 'see <a href="https://doi.org/10.1063/1.5019779">doi:10.1063/1.5019779</a>.'),
        ("(https://a.org/b?c=1&d=2)", '(<a href="https://a.org/b?c=1&amp;d=2">https://a.org/b?c=1&amp;d=2</a>)'),
        ("javascript:alert(1) <a>", "javascript:alert(1) &lt;a&gt;"),
        ("95 % of all", "95\u00a0% of all"),
    ],
)
def test_addresses_and_dois_are_links(text: str, markup: str) -> None:
    assert linked(text) == markup


def test_tables_of_markdown_have_every_value(written: Written) -> None:
    rows = [line for line in written.markdown.split("\n") if line.startswith("| ")]
    assert len(rows) >= 2 + 5
    assert "| **sgdml** | **0.729** | 0.656–0.802 | 1.35 | a |" in written.markdown
    assert "- ✗ Not met: Same machine — " in written.markdown


def test_a_fence_is_longer_than_any_in_its_text(tmp_path: Path) -> None:
    page = Page("a", "", "", (Section("a", "a", (Code("x\n````\ny", "bash"),)),))
    write_page(page, tmp_path)
    assert "`````bash\nx\n````\ny\n`````\n" in (tmp_path / "report.md").read_text()


@pytest.mark.parametrize("name", ["a/b", "../a", "", "a b"])
def test_names_of_figures_are_names_of_files(name: str, tmp_path: Path) -> None:
    page = small_page()
    figure = replace(next(figures(page)), name=name)
    with pytest.raises(ValueError, match="no name of a file"):
        write_page(replace(page, sections=(Section("a", "a", (figure,)),)), tmp_path)
    twice = replace(figure, name="a")
    with pytest.raises(ValueError, match="two figures named 'a'"):
        write_page(replace(page, sections=(Section("a", "a", (twice, twice)),)), tmp_path)


def test_a_page_replaces_the_one_before(tmp_path: Path) -> None:
    write_page(small_page("before"), tmp_path)
    write_page(small_page("after"), tmp_path)
    assert "before" not in (tmp_path / "report.md").read_text()
    assert not list(tmp_path.rglob("*.partial"))


def test_text_of_a_figure_that_looks_like_its_code_is_left_alone() -> None:
    drawn = inline(
        '<?xml?><svg viewBox="0 0 10 10"><g id="a"><use xlink:href="#b" style="fill: #0072b2"/>'
        '<text>id="a" url(#a) fill: #0072b2; </text></g></svg>',
        "figure", "title", "description",
    ).svg  # fmt: skip
    assert '<text>id="a" url(#a) fill: #0072b2; </text>' in drawn
    assert 'id="fig_figure_a"' in drawn
    assert 'xlink:href="#fig_figure_b" style="fill: var(--c-0072b2, #0072b2)"' in drawn


def test_every_color_of_a_figure_has_one_for_dark_pages(written: Written) -> None:
    used = set(re.findall(r"var\(--c-([0-9a-f]{6}), ", written.html))
    css = files("potbench.reporting.page").joinpath("page.css").read_text()
    # atoms have the colors of their elements, with dark letters on them
    atoms = {"f5f5f5", "b8b8b8", "f29d94", "4d4d4d", "1a1a1a"}
    assert used - atoms <= set(re.findall(r"--c-([0-9a-f]{6}):", css))


def test_what_the_page_is_made_of_is_part_of_the_package() -> None:
    patterns = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["package-data"]["potbench"]
    package = ROOT / "src" / "potbench"
    # configs are a link to those of the repository; tests/test_wheel.py looks at them
    patterns = [pattern for pattern in patterns if not pattern.startswith("configs/")]
    listed = {file for pattern in patterns for file in package.glob(pattern)}
    there = {file for file in package.rglob("*") if file.is_file() and file.suffix not in {".py", ".pyc"}}
    assert listed == there
    assert "BSD-3-Clause" in files("potbench.reporting.page").joinpath("3Dmol-LICENSE.txt").read_text()


def test_a_page_without_figures_needs_no_matplotlib(tmp_path: Path) -> None:
    program = (
        "import sys; from pathlib import Path\n"
        "from potbench.reporting.page.content import Page, Section\n"
        "from potbench.reporting.page.write import write_page\n"
        f"write_page(Page('a', '', '', (Section('a', 'a', ('text',)),)), Path({str(tmp_path)!r}))\n"
        "assert 'matplotlib' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)
