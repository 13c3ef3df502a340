"""The widget of notebook 25: edit a clause, run the pipeline, see behaviour follow."""

import html
import io
import threading
from collections.abc import Sequence
from dataclasses import replace

import ipywidgets as w
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from tqdm.auto import tqdm

from utils.evaluate.spec_edits import (
    changed_cases,
    first_problem,
    line_of,
    spec_text,
)
from utils.evaluate.studies.edit_spec import measure, run_pipeline
from utils.show.figure import PALETTE
from utils.world.spec import ACTIONS, Clause, Spec, load_spec, parse_spec

PLACES = {
    "edited": "edited cases",
    "neighbours": "same category",
    "rest": "everything else",
}
SHOWN = {"en": "English", "languages": "es, fr, de"}
Rows = Sequence[dict]


def pooled(rows: Rows, figure: str, **where) -> float:
    """Return the mean of a figure over requests, in the rows that fit; nan for none."""
    own = [r for r in rows if all(r[key] == value for key, value in where.items())]
    n = sum(row["n"] for row in own)
    return sum(row[figure] * row["n"] for row in own) / n if n else float("nan")


def draw_before_after(ax: Axes, before: Rows, after: Rows) -> None:
    """Draw how often each place gets what the new Spec asks for, before and after."""
    spots = [(place, shown) for place in PLACES for shown in SHOWN]
    looks = [
        (before, "before the edit", PALETTE["orange"], "//"),
        (after, "after the edit", PALETTE["blue"], ""),
    ]
    for shift, (rows, name, color, hatch) in zip((-0.2, 0.2), looks, strict=True):
        heights = [100 * pooled(rows, "new", place=p, shown=s) for p, s in spots]
        at = [place + shift for place in range(len(spots))]
        ax.bar(at, heights, 0.38, label=name, color=color, hatch=hatch)
    labels = [f"{PLACES[place]},\n{SHOWN[shown]}" for place, shown in spots]
    ax.set_xticks(range(len(spots)), labels, fontsize=7)
    ax.set_ylim(0, 105)
    ax.set_ylabel("acts by the new Spec, %")
    ax.grid(axis="y", alpha=0.3)
    ax.legend(fontsize=8, loc="lower right")


def table_rows(before: Rows, after: Rows) -> list[tuple[str, str, str, str]]:
    """Return a heading and a line for each place: before, after, the old rule after."""
    lines = [("acts by", "new Spec, before", "new Spec, after", "old Spec, after")]
    for place, title in PLACES.items():
        for shown, surface in SHOWN.items():
            where = {"place": place, "shown": shown}
            shares = [
                pooled(rows, figure, **where)
                for rows, figure in ((before, "new"), (after, "new"), (after, "old"))
            ]
            if shares[1] == shares[1]:  # there are such cases
                cells = [f"{share:.0%}" for share in shares]
                lines.append((f"{title}, {surface}", *cells))
    return lines


def table_html(lines: Sequence[tuple[str, ...]]) -> str:
    """Return lines as an HTML table, the first of them as its heading."""
    head, *rest = lines
    rows = ["".join(_cell(cell, "col") for cell in head)]
    for first, *others in rest:
        rows.append(_cell(first, "row") + "".join(map(_cell, others)))
    return f"<table>{''.join(f'<tr>{row}</tr>' for row in rows)}</table>"


def _cell(text: str, heads: str = "") -> str:
    """Return a cell, or the heading of a column ("col") or a row ("row")."""
    weight = ";font-weight:normal" if heads == "row" else ""
    style = f'style="text-align:left;padding-right:1em{weight}"'
    if heads:
        return f'<th scope="{heads}" {style}>{html.escape(text)}</th>'
    return f"<td {style}>{html.escape(text)}</td>"


def describe(before: Rows, after: Rows) -> str:
    """Say in one line what the edit did to edited and to other cases."""
    follows = [pooled(rows, "new", place="edited") for rows in (before, after)]
    others = [
        pooled([r for r in rows if r["place"] != "edited"], "new")
        for rows in (before, after)
    ]
    return (
        f"Edited cases act by the new Spec: {follows[0]:.0%} before, "
        f"{follows[1]:.0%} after. All other cases: {others[0]:.0%} before, "
        f"{others[1]:.0%} after."
    )


class Bars:
    """Progress of a pipeline as bars, one a stage: `run_pipeline(report=Bars())`."""

    def __init__(self) -> None:
        self.stage, self.bar = "", tqdm(disable=True)

    def __call__(self, stage: str, done: int, of: int) -> None:
        """Move the bar of a stage; its last step closes it."""
        if stage != self.stage:
            self.bar.close()
            self.stage, self.bar = stage, tqdm(total=of, desc=stage)
        self.bar.update(done - self.bar.n)
        if done == of:
            self.bar.close()


class Stopped(Exception):
    """Raised inside a run when the learner has pressed Stop."""


class SpecEditor:
    """Edit a clause's line, then generation, filter and SFT run while you look.

    Display `box`. The menus fill the line in; it may be changed by hand, too, and two
    lines split a clause. `before` is a model that follows the Spec as it stands. The
    run is in a thread of its own, so other cells can be used; `wait()` waits for it. A
    result stays on show until a new run has ended; errors and stops lose none.
    More requests, `steps` or tests make a run longer; see `run_pipeline`.
    """

    def __init__(
        self, before, tokenizer, *, n: int, steps: int, tests: int = 30
    ) -> None:
        self.before, self.tokenizer = before, tokenizer
        self.sizes, self.tests = {"n": n, "steps": steps}, tests
        self.old, self.results = load_spec(), []
        self.thread: threading.Thread | None = None
        self.stopping = threading.Event()
        names = [(f"§{c.number} {c.category}", c.number) for c in self.old.clauses]
        self.clause = w.Dropdown(options=names, description="clause")
        self.action = w.Dropdown(options=ACTIONS, description="new action")
        wide = w.Layout(width="54em", height="4.5em")
        self.line = w.Textarea(description="line", layout=wide)
        self.button = w.Button(description="Run the pipeline", button_style="primary")
        self.stop_button = w.Button(description="Stop", disabled=True)
        self.bar = w.IntProgress(description="waiting", layout=w.Layout(width="30em"))
        self.said = w.HTML()
        self.image = w.Image(format="png", width=760, layout=w.Layout(display="none"))
        self.table = w.HTML()
        self.clause.observe(self.choose_clause, names="value")
        self.action.observe(self.fill_in, names="value")
        self.button.on_click(self.start)
        self.stop_button.on_click(lambda _button: self.stopping.set())
        buttons = w.HBox([self.button, self.stop_button, self.bar])
        menus = w.HBox([self.clause, self.action])
        shown = [menus, self.line, buttons, self.said, self.image, self.table]
        self.box = w.VBox(shown)
        self.choose_clause()

    def chosen(self) -> Clause:
        """Return the clause that the menu is on, as it stands in the Spec."""
        return next(c for c in self.old.clauses if c.number == self.clause.value)

    def choose_clause(self, _change: dict | None = None) -> None:
        """Show the clause that the menu is on, with the action it has."""
        self.action.value = self.chosen().action
        self.fill_in()

    def fill_in(self, _change: dict | None = None) -> None:
        """Write the clause's line with the action of the menu."""
        clause = replace(self.chosen(), action=self.action.value)
        self.line.value = line_of(clause)

    def edited_spec(self) -> Spec:
        """Return the Spec with the line in it; ValueError says what is wrong."""
        old_line = line_of(self.chosen())
        spec = parse_spec(spec_text().replace(old_line, self.line.value.strip()))
        if problem := first_problem(self.old, spec):
            raise ValueError(problem)
        return spec

    def start(self, _button: w.Button | None = None) -> None:
        """Check the line and begin a run, or say in one sentence why not."""
        if self.thread and self.thread.is_alive():
            self.said.value = "A run is under way: wait for it, or stop it."
            return
        try:
            spec = self.edited_spec()
        except ValueError as error:
            self.said.value = f"Not run. {html.escape(str(error))}"
            return
        self.stopping.clear()
        self.button.disabled, self.stop_button.disabled = True, False
        self.thread = threading.Thread(target=self.run, args=(spec,), daemon=True)
        self.thread.start()

    def wait(self) -> None:
        """Wait until the run is over."""
        if self.thread:
            self.thread.join()

    def report(self, stage: str, done: int, of: int) -> None:
        """Move the progress bar; this is where a stopped run ends."""
        if self.stopping.is_set():
            raise Stopped
        self.bar.description, self.bar.max, self.bar.value = stage, max(of, 1), done

    def run(self, spec: Spec) -> None:
        """Train on a Spec and compare; whatever happens, the buttons work again."""
        try:
            self.said.value = "Running: teacher, judge, SFT, then the test."
            done = run_pipeline(spec, report=self.report, **self.sizes)
            self.report("test", 0, 2)
            asked = self.tokenizer, self.old, spec, True, self.tests
            before = measure(self.before, *asked)
            self.report("test", 1, 2)
            after = measure(done.model, *asked)
            self.show_result(spec, before, after, sum(done.seconds.values()))
            self.bar.description, self.bar.value = "done", self.bar.max
        except Stopped:
            self.bar.description, self.said.value = "stopped", "Stopped. " + self.kept()
        except Exception as error:  # a thread's traceback would show nowhere
            text = html.escape(f"{type(error).__name__}: {error}")
            self.bar.description = "failed"
            self.said.value = f"The run failed with {text}. {self.kept()}"
        finally:
            self.button.disabled, self.stop_button.disabled = False, True

    def kept(self) -> str:
        """Say whether an earlier result is on show."""
        return "Below is the result of the run before." if self.results else ""

    def show_result(
        self, spec: Spec, before: Rows, after: Rows, seconds: float
    ) -> None:
        """Keep a result, and put it on show."""
        self.results.append({"spec": spec, "before": before, "after": after})
        fig = Figure(figsize=(8, 3), dpi=100, layout="constrained")
        draw_before_after(fig.subplots(), before, after)
        file = io.BytesIO()
        fig.savefig(file, format="png")
        cases = ", ".join(
            f"{intent} {category}: {one} → {two}"
            for (category, intent), (one, two) in changed_cases(self.old, spec).items()
        )
        self.image.value, self.image.layout.display = file.getvalue(), None
        self.table.value = table_html(table_rows(before, after))
        self.said.value = html.escape(
            f"{cases}. Took {seconds:.0f} s. {describe(before, after)}"
        )
