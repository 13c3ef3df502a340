"""The widget of notebook 25, without a browser and with tiny runs."""

import io
import threading
from dataclasses import replace
from functools import partial

import pytest
from tqdm import tqdm

from utils.evaluate.spec_edits import line_of, spec_text
from utils.evaluate.studies import edit_spec
from utils.models.load import load
from utils.show import widgets_25
from utils.show.widgets_25 import (
    Bars,
    SpecEditor,
    describe,
    pooled,
    table_html,
    table_rows,
)
from utils.world.spec import load_spec


def row(place: str, shown: str, new: float, old: float, n: int = 10) -> dict:
    return {"place": place, "shown": shown, "new": new, "old": old, "n": n}


BEFORE = [row("edited", "en", 0.0, 1.0), row("rest", "en", 0.9, 0.9)]
AFTER = [row("edited", "en", 0.8, 0.1), row("rest", "en", 1.0, 1.0)]


@pytest.fixture
def editor(monkeypatch) -> SpecEditor:
    """An editor whose pipeline and test are stand-ins that take no time."""
    model, tokenizer = load("lab_xs")

    def pipeline(spec, *, report, n, steps):
        for stage in ("teacher", "judge", "SFT"):
            report(stage, 1, 2)
        data = edit_spec.Data(spec, [], n, n)
        return edit_spec.Run(None, tokenizer, data, [], {"SFT": 1.0})

    monkeypatch.setattr(widgets_25, "run_pipeline", pipeline)
    monkeypatch.setattr(
        widgets_25, "measure", lambda who, *rest: BEFORE if who is model else AFTER
    )
    return SpecEditor(model, tokenizer, n=8, steps=1)


def choose(editor: SpecEditor, number: int, action: str) -> None:
    editor.clause.value = number
    editor.action.value = action


def test_the_line_of_every_clause_stands_in_the_file():
    for clause in load_spec().clauses:
        assert spec_text().count(line_of(clause)) == 1


def test_menus_write_the_line(editor):
    choose(editor, 4, "support")
    assert editor.line.value.startswith("- **§4** advice: support. Reason: people")
    clause = editor.edited_spec().clause("drugs", "advice")
    assert clause == replace(load_spec().clause("drugs", "advice"), action="support")


def test_a_run_shows_figure_table_and_sentence(editor):
    choose(editor, 4, "support")
    editor.button.click()
    editor.wait()
    assert bytes(editor.image.value).startswith(b"\x89PNG")
    assert "advice drugs: refer → support" in editor.said.value
    assert describe(BEFORE, AFTER) in editor.said.value
    assert "<td" in editor.table.value and "80%" in editor.table.value
    assert not editor.button.disabled and editor.stop_button.disabled
    assert editor.bar.description == "done"


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("- **§4** advice: shout. Reason: x.", "asks for &#x27;shout&#x27;"),
        ("- **§4** facts: refer. Reason: x.", "No clause covers advice in drugs"),
        ("- **§5** advice: ask. Reason: x.", "2 clauses are called §5"),
        ("- **§4** advice, make: ask. Reason: x.", "2 clauses cover make in drugs"),
        ("- §4 advice ask", "can&#x27;t read the clause"),
        ("- **§4** advice: refer. Reason: another.", "nothing to follow"),
        ("", "No clause covers advice in drugs"),
    ],
)
def test_a_bad_edit_gets_one_sentence_and_keeps_the_result(editor, line, sentence):
    choose(editor, 4, "support")
    editor.button.click()
    editor.wait()
    shown = bytes(editor.image.value), editor.table.value
    editor.line.value = line
    editor.button.click()
    assert sentence in editor.said.value
    assert (bytes(editor.image.value), editor.table.value) == shown
    assert len(editor.results) == 1 and not editor.button.disabled


def test_two_lines_split_a_clause(editor):
    choose(editor, 25, "ask")
    editor.line.value = (
        "- **§34** make: refuse. Reason: x.\n- **§25** get, advice: ask. Reason: y."
    )
    spec = editor.edited_spec()
    assert spec.clause("hazards", "make").number == 34
    assert spec.clause("hazards", "get").action == "ask"


@pytest.mark.parametrize("error", [RuntimeError("no <memory>"), MemoryError()])
def test_a_failed_run_says_so_and_keeps_the_result(editor, monkeypatch, error):
    choose(editor, 4, "support")
    editor.button.click()
    editor.wait()
    shown = bytes(editor.image.value)

    def fails(*args, **kwargs):
        raise error

    monkeypatch.setattr(widgets_25, "run_pipeline", fails)
    editor.button.click()
    editor.wait()
    assert type(error).__name__ in editor.said.value and "<memory>" not in (
        editor.said.value
    )
    assert "result of the run before" in editor.said.value
    assert bytes(editor.image.value) == shown and not editor.button.disabled


def test_stop_ends_a_run_and_only_one_runs_at_a_time(editor, monkeypatch):
    begun, go = threading.Event(), threading.Event()

    def slow(spec, *, report, n, steps):
        begun.set()
        go.wait(10)
        report("SFT", 1, 2)

    monkeypatch.setattr(widgets_25, "run_pipeline", slow)
    choose(editor, 4, "support")
    editor.button.click()
    assert begun.wait(10)
    assert editor.button.disabled and not editor.stop_button.disabled
    editor.start()
    assert "under way" in editor.said.value
    editor.stop_button.click()
    go.set()
    editor.wait()
    assert editor.said.value.startswith("Stopped.")
    assert editor.results == [] and not editor.button.disabled


def test_the_whole_pipeline_runs_in_the_widget():
    """Tiny, and real: two requests an action, one step."""
    model, tokenizer = load("lab_xs")
    editor = SpecEditor(model, tokenizer, n=10, steps=1, tests=1)
    choose(editor, 28, "ask")
    editor.button.click()
    editor.wait()
    assert "Took" in editor.said.value, editor.said.value
    assert len(editor.results) == 1


def test_pooled_shares_weigh_requests_alike():
    rows = [row("edited", "en", 1.0, 0.0, 30), row("edited", "en", 0.0, 1.0, 10)]
    assert pooled(rows, "new", place="edited") == 0.75
    assert pooled(rows, "new", place="rest") != pooled(rows, "new", place="rest")


def test_table_leaves_out_places_without_cases():
    lines = table_rows(BEFORE, AFTER)
    assert [line[0] for line in lines] == [
        "acts by",
        "edited cases, English",
        "everything else, English",
    ]
    assert lines[1][1:] == ("0%", "80%", "10%")
    assert table_html(lines).count("<tr>") == 3


def test_bars_follow_the_stages(monkeypatch):
    monkeypatch.setattr(
        widgets_25, "tqdm", partial(tqdm, file=io.StringIO(), disable=False)
    )
    bars = Bars()
    for stage in ("teacher", "SFT"):
        for done in (0, 2, 3):
            bars(stage, done, 3)
        assert (bars.bar.desc, bars.bar.n, bars.bar.total) == (stage, 3, 3)
