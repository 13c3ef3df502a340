"""Everybody can use it: colours, descriptions, and letters at 200 % zoom."""

import ast
import re
from itertools import combinations

import ipywidgets as w
import matplotlib
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg

from tests.contrast import GRAPHICS, TEXT, VISION, Page, contrast, distance
from tests.pictures import MODULES, SOURCES, notebook, pictures, smallest
from tests.test_grade_tables import LAB, Student, rows
from tests.widgets import problems
from utils.files import ROOT
from utils.show.figure import COLORS, MARKERS, PALETTE
from utils.teach.grading import tables
from utils.teach.grading.demo import NAME
from utils.teach.grading.pages import feedback, summary

# Okabe and Ito's own colours are at least 16 apart for every kind of colour vision.
APART = 16
# At 200 % zoom in a window of 1280 pixels JupyterLab's output is 524 CSS pixels wide
# when the list of files is closed (measured), and a picture shrinks to that. Letters
# then are to be as tall as JupyterLab's own smallest ones are without zoom.
COLUMN, ZOOM, TALL = 520, 2, 11
WIDGET = "application/vnd.jupyter.widget-view+json"
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "course").glob("*.md")]
CODE = [path.with_suffix(".py") for path in SOURCES] + MODULES
STEMS = [path.stem for path in SOURCES]


# Colours.


@pytest.mark.parametrize("vision", VISION)
def test_colours_are_told_apart_with_every_kind_of_colour_vision(vision):
    for one, other in combinations(PALETTE, 2):
        far = distance(PALETTE[one], PALETTE[other], vision)
        assert far >= APART, f"{one} and {other}: {far:.1f}"


def test_the_simulation_finds_what_is_known_to_be_confused():
    red, green = "#D00000", "#808000"
    assert distance(red, green, "full") > 3 * distance(red, green, "protanopia")
    assert distance("#009E73", "#CC79A7", "deuteranopia") < 20 < 80
    assert distance("#009E73", "#CC79A7", "full") > 80
    assert distance("#000000", "#FFFFFF", "tritanopia") == pytest.approx(100, abs=0.5)


@pytest.mark.parametrize("vision", VISION)
def test_no_two_arms_have_the_same_marker_in_colours_that_look_alike(vision):
    for one, other in combinations(COLORS, 2):
        alike = distance(COLORS[one], COLORS[other], vision) < APART
        assert not (alike and MARKERS[one] == MARKERS[other]), f"{one}, {other}"


def test_lines_and_marks_stand_out_from_white():
    assert contrast("black", "white") == pytest.approx(21)
    assert contrast("#767676", "white") == pytest.approx(4.54, abs=0.01)  # known
    for name, color in PALETTE.items():
        assert contrast(color, "white") >= GRAPHICS, name
    assert contrast("#56B4E9", "white") < GRAPHICS  # why the palette is darker


def named_colors(tree: ast.AST) -> list[tuple[str, bool]]:
    """Every colour that code spells out for a line or text, and whether it is text."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            name = getattr(node.func, "attr", "")
            given = {k.arg: k.value for k in node.keywords}
            for key in ("color", "c", "markeredgecolor", "mec"):
                value = given.get(key)
                if isinstance(value, ast.Constant) and "alpha" not in given:
                    found.append((str(value.value), name in {"text", "annotate"}))
    return found


@pytest.mark.parametrize("path", CODE, ids=lambda path: path.name)
def test_colours_that_code_spells_out_stand_out_from_white(path):
    for color, is_text in named_colors(ast.parse(path.read_text(encoding="utf-8"))):
        least = TEXT if is_text else GRAPHICS
        assert contrast(color, "white") >= least, color


def test_a_pale_colour_in_code_would_be_noticed():
    pale = 'ax.plot(x, color="lightgrey"); ax.text(0, 0, "a", color="grey")'
    assert named_colors(ast.parse(pale)) == [("lightgrey", False), ("grey", True)]
    assert contrast("lightgrey", "white") < GRAPHICS < contrast("grey", "white") < TEXT
    assert named_colors(ast.parse('ax.axvspan(0, 1, color="red", alpha=0.1)')) == []


def test_pictures_are_white_behind_whatever_the_theme():
    assert not matplotlib.rcParamsDefault["savefig.transparent"]
    assert matplotlib.rcParamsDefault["figure.facecolor"] == "white"
    for picture in pictures():
        assert set(picture.corners()) <= {(1.0, 1.0, 1.0), (1.0,) * 4}, picture.where


# HTML. What the widgets show is looked at by tests/conftest.py, in their own tests.


@pytest.mark.parametrize(
    ("html", "complaint"),
    [
        ("<p>Plain text has the colours of the theme.</p>", None),
        ('<p style="color:#444;background:#eee">a</p>', None),
        ('<p style="background:#eee;color:black"><b>a</b></p>', None),
        ('<p style="color:#444">a</p>', "sets color alone"),
        ('<p style="background-color:#eee">a</p>', "sets background alone"),
        ('<p style="color:#999;background:white">a</p>', "2.8:1"),
        ('<i style="background:#000;color:#fff"><b style="color:#111">a', "1.1:1"),
        ("<style>.a { color: #aaa } p { background: #fff }</style>"
         '<p class="a">a</p>', "2.3:1"),
        ("<style>p > b { color: red }</style>", "not understood"),
        ("<table><tr><td>a</td></tr></table>", "without heading"),
        ("<table><tr><th>a</th></tr></table>", "of what"),
        ('<table><tr><th scope="col">a</th></tr></table>', None),
        ('<img src="a.png">', "without alternative text"),
        ('<img src="a.png" alt="a">', None),
    ],
)  # fmt: skip
def test_what_is_wrong_with_html(html, complaint):
    found = Page(html).problems
    assert len(found) == (complaint is not None), found
    assert complaint is None or complaint in found[0]


def test_a_widget_that_cannot_be_read_would_be_noticed():
    made = {
        "a Dropdown without a name": w.Dropdown(),
        "a Button without a name": w.Button(description=" "),
        "IntSlider: 'a name that is cut' is cut": w.IntSlider(
            description="a name that is cut"
        ),
        "a table without heading cells": w.HTML("<table></table>"),
    }
    good = w.Dropdown(description="a name of any length")
    good.style.description_width = "initial"
    found = problems()
    for widget in [good, *made.values()]:
        widget.close()
    assert [found.count(line) for line in made] == [1] * len(made)
    assert not [line for line in found if "any length" in line]


def graders_pages() -> dict[str, str]:
    mine = rows(Student("A"), Student("B"))
    mine[0].outcomes[NAME]["lines"] = ["ok    a", "FAIL  b\nwhy", "TODO  c"]
    found = tables.items(mine, [LAB])
    found[0]["mistakes"] = [("wrong", 2)]
    return {
        "feedback": feedback(mine[0], [LAB], {}, 33),
        "summary": summary(mine, found, 33, ["said"]),
    }


@pytest.mark.parametrize("name", ["feedback", "summary"])
def test_the_graders_pages_can_be_read(name):
    page = Page(graders_pages()[name])
    assert page.problems == []
    assert page.texts > 10


def test_wide_tables_of_the_grader_scroll_by_themselves():
    page = graders_pages()["summary"]
    assert page.count("<table>") == page.count('tabindex="0"><table>') >= 3
    assert ".wide { overflow-x: auto; }" in page
    assert page.count('<div class="wide" role="region" aria-label=') >= 3


@pytest.mark.parametrize("stem", STEMS)
def test_recorded_html_can_be_read(stem):
    for number, cell in enumerate(notebook(stem).cells):
        for output in cell.get("outputs", []):
            html = output.get("data", {}).get("text/html", "")
            assert Page(html).problems == [], f"cell {number}"


# Descriptions.


def test_every_picture_has_a_description_that_is_printed_too():
    found = list(pictures())
    assert len(found) > 100
    for picture in found:
        assert len(picture.alt.split()) >= 5, picture.where


@pytest.mark.parametrize("stem", STEMS)
def test_what_is_drawn_is_said_in_words_beside_it(stem):
    cells = [cell for cell in notebook(stem).cells if cell.cell_type == "code"]
    said = ["", *(printed(cell) for cell in cells), ""]
    for number, cell in enumerate(cells, 1):
        for output in cell.outputs:
            if "image/png" in output.get("data", {}):
                assert output.metadata["image/png"]["alt"] in said[number], cell.source
            if WIDGET in output.get("data", {}) and not is_bar(output):
                # Beside a widget, a cell prints what it shows at one setting.
                beside = " ".join(said[number - 1 : number + 2])
                assert len(beside.split()) >= 10, cell.source


def printed(cell) -> str:
    return "".join(out.text for out in cell.outputs if out.output_type == "stream")


def is_bar(output) -> bool:
    """Whether a widget is tqdm's: its text says what goes on, and how far it is."""
    return re.match(r".*\d+%\|", output.data["text/plain"]) is not None


@pytest.mark.parametrize("stem", STEMS)
def test_progress_bars_have_a_name(stem):
    for cell in notebook(stem).cells:
        for output in cell.get("outputs", []):
            if WIDGET in output.get("data", {}) and is_bar(output):
                assert re.match(r"\S.*: +\d+%\|", output.data["text/plain"])


@pytest.mark.parametrize("path", CODE, ids=lambda path: path.name)
def test_figures_are_shown_with_their_description_only(path):
    if path.name == "figure.py":
        return  # it defines `show`
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call):
            called = ast.unparse(node.func)
            assert called not in {"plt.show", "fig.show", "figure.show"}
            if called == "display":
                given = [ast.unparse(one) for one in node.args]
                assert not {"fig", "figure", "plt.gcf()"} & {*given}


def prose() -> list[tuple[str, str]]:
    found = [(path.name, path.read_text(encoding="utf-8")) for path in PAGES]
    for stem in STEMS:
        cells = notebook(stem).cells
        found += [(stem, c.source) for c in cells if c.cell_type == "markdown"]
    return found


def test_pictures_in_prose_have_alternative_text():
    found = 0
    for where, text in prose():
        for alt in re.findall(r"!\[([^\]]*)\]\(", text):
            assert len(alt.split()) >= 5, where
            found += 1
        assert not re.search(r"<img(?![^>]*\balt=\"[^\"]+\")", text), where
    assert found >= 1


# Letters at 200 % zoom.


def test_letters_in_pictures_are_tall_enough_at_200_percent():
    small = []
    for picture in pictures():
        shrunk = min(1, COLUMN / picture.width)
        tall = ZOOM * picture.points * picture.dpi / 72 * shrunk
        if tall < TALL:
            small.append(f"{picture.where}: {tall:.1f} pixels")
    assert small == []


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.name)
def test_letters_in_widgets_are_tall_enough_at_200_percent(path):
    source = path.read_text(encoding="utf-8")
    widths = [float(w) for w in re.findall(r"figsize=\(([\d.]+),", source)]
    for width in widths:
        assert ZOOM * smallest(source, {}) * COLUMN / width / 72 >= TALL


def test_small_letters_would_be_noticed():
    assert smallest("ax.set_title('a')", {}) == 10
    assert smallest("ax.set_title('a', fontsize=7)", {}) == 7
    assert smallest("ax.text(0, 0, 'a', **{'size': 6})", {}) == 6
    draw = {"draw": ast.parse("def draw(ax):\n    ax.legend(fontsize=5)\n")}
    assert smallest("draw(ax)", draw) == 5
    with pytest.raises(AssertionError, match="in words"):
        smallest("ax.legend(fontsize='small')", {})
    for picture in pictures():
        assert 70 <= picture.dpi <= 130, picture.where
        break


def test_matplotlibs_usual_letters_are_those_that_the_measure_takes():
    assert FigureCanvasAgg  # the backend that draws inline
    assert matplotlib.rcParamsDefault["font.size"] == 10
    for key in ("xtick.labelsize", "ytick.labelsize", "legend.fontsize"):
        assert matplotlib.rcParamsDefault[key] == "medium"
