"""What a learner does in JupyterLab, done by a script: for tests with a browser.

Each function takes a page of playwright that shows JupyterLab with one notebook open.
JupyterLab draws only the cells that are in view, so results are read from the saved
file and not from the page.
"""

import re
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import nbformat
from playwright.sync_api import Browser, Locator, Page, sync_playwright

QUIET = [
    # Needed where tests run as root, as in most containers.
    "--no-sandbox",
    "--disable-gpu",
    # Nothing but localhost is asked for.
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
NOTEBOOK = ".jp-NotebookPanel:not(.lm-mod-hidden)"


@contextmanager
def chromium() -> Iterator[Browser]:
    """A chromium without a window; a missing one is a failure that says so."""
    program = shutil.which("chromium")
    assert program, "these tests need chromium: scripts/classroom.sh installs it"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=QUIET)
        try:
            yield browser
        finally:
            browser.close()


def wait_until_idle(page: Page, seconds: float = 120) -> None:
    """Wait until the notebook is open and its kernel has nothing to do."""
    page.locator(NOTEBOOK).wait_for(timeout=1000 * seconds)
    idle = page.get_by_text(re.compile(r"Python 3 \(ipykernel\) \| Idle")).first
    idle.wait_for(timeout=1000 * seconds)


def fill_cell(page: Page, says: str, code: str) -> None:
    """Replace a code cell by `code`: the first, from the top, whose text has `says`."""
    panel = page.locator(f"{NOTEBOOK} .jp-WindowedPanel-outer")
    panel.evaluate("panel => { panel.scrollTop = 0 }")
    found = panel.locator(".jp-CodeCell").filter(
        has=page.locator(".cm-content").filter(has_text=says)
    )
    deadline = time.monotonic() + 120
    while found.count() == 0:
        # Cells have no height before they are drawn: look, scroll by less than a
        # screen, and give JupyterLab the time to draw.
        assert time.monotonic() < deadline, f"no code cell says {says!r}"
        panel.evaluate("panel => { panel.scrollTop += panel.clientHeight / 2 }")
        page.wait_for_timeout(200)
    found.first.locator(".cm-content").click()
    page.keyboard.press("Control+a")
    page.keyboard.insert_text(code)


def run_all(page: Page, file: Path, seconds: float = 300) -> nbformat.NotebookNode:
    """Run all cells, wait for the last, save, and return what was saved.

    `file` is where the open notebook is on the disk. An error in a cell is a failure.
    """
    before = _last_count(read(file))
    page.keyboard.press("Control+Shift+c")  # all commands, by their names
    page.keyboard.insert_text("run all cells")
    command = page.locator(".lm-CommandPalette-item.lm-mod-active")
    command.filter(has_text="Run All Cells").wait_for()
    page.keyboard.press("Enter")
    deadline = time.monotonic() + seconds
    while True:
        page.wait_for_timeout(2000)
        page.keyboard.press("Control+s")
        page.wait_for_timeout(1000)
        notebook = read(file)
        for said in errors(notebook):
            raise AssertionError(f"a cell of {file.name} failed:\n{said}")
        if _last_count(notebook) > before:
            return notebook
        assert time.monotonic() < deadline, (
            f"{file.name} was not through after {seconds:.0f} s: "
            f"the last cell that ran is number {_highest_count(notebook)}"
        )


def errors(notebook: nbformat.NotebookNode) -> list[str]:
    """The tracebacks in the outputs of a notebook."""
    return [
        "\n".join(output.traceback)
        for cell in notebook.cells
        for output in cell.get("outputs", [])
        if output.output_type == "error"
    ]


def printed(notebook: nbformat.NotebookNode, cell_id: str) -> str:
    """What the cell with this id printed."""
    (cell,) = (cell for cell in notebook.cells if cell.id == cell_id)
    return "".join(o.text for o in cell.outputs if o.output_type == "stream")


def read(file: Path) -> nbformat.NotebookNode:
    """The saved notebook; JupyterLab may be writing it just now, so try again."""
    for _ in range(20):
        try:
            return nbformat.read(file, as_version=4)
        except (OSError, ValueError, nbformat.reader.NotJSONError):
            time.sleep(0.1)
    raise AssertionError(f"{file} can't be read as a notebook")


def _counts(notebook: nbformat.NotebookNode) -> list[int]:
    cells = [c for c in notebook.cells if c.cell_type == "code" and c.source.strip()]
    return [cell.execution_count or 0 for cell in cells]


def _last_count(notebook: nbformat.NotebookNode) -> int:
    return _counts(notebook)[-1]


def _highest_count(notebook: nbformat.NotebookNode) -> int:
    return max(_counts(notebook))


# By keyboard alone.


def tab_to(page: Page, element: Locator) -> None:
    """Press Tab until `element` has the focus, as a learner without a mouse does."""
    for _ in range(200):
        page.keyboard.press("Tab")
        if element.evaluate("element => element === document.activeElement"):
            return
    raise AssertionError(f"Tab never came to {element}")


def choose_next(page: Page) -> None:
    """Choose the next entry of the menu in focus.

    A plain arrow key would move to another cell: JupyterLab takes it before the menu.
    """
    for key in ("Alt+ArrowDown", "ArrowDown", "Enter"):
        page.keyboard.press(key)


def go_to_cell(page: Page, file: Path, cell_id: str) -> None:
    """Make a cell of the open notebook the active one, with the arrow keys."""
    ids = [cell.id for cell in read(file).cells]
    wanted = ids.index(cell_id)
    page.keyboard.press("Escape")
    for _ in range(3 * len(ids)):
        active = _active_cell(page)
        if active == wanted:
            return
        page.keyboard.press("ArrowDown" if active < wanted else "ArrowUp")
    raise AssertionError(f"the arrow keys never came to the cell {cell_id}")


def run_two_cells(page: Page) -> None:
    """Run the active cell and the one below it."""
    page.keyboard.press("Shift+Enter")
    page.keyboard.press("Shift+Enter")


def _active_cell(page: Page) -> int:
    """The number of the active cell, counted from 0."""
    active = page.locator(f"{NOTEBOOK} .jp-Cell.jp-mod-active").first
    return int(active.get_attribute("data-windowed-list-index"))
