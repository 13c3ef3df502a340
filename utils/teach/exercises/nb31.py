"""Exercise of notebook 31: the 2 x 2 of surfaces and topics."""

from collections.abc import Callable, Sequence
from itertools import product

import numpy as np

from utils.teach.exercise import Exercise, Mutant, Part, expect, expect_close, outcomes

NOTEBOOK = "31_languages_and_ciphers"
Row = dict


def two_by_two(
    rows: Sequence[Row], home: Sequence[str], abroad: Sequence[str]
) -> dict[str, np.ndarray]:
    """Share of right actions of each arm, by surface and by topic.

    rows    : one dict a reply, with the keys "arm", "surface", "topics" ("seen" or
              "held_out"), "right" (the right action) and "given" (the action taken)
    home    : surfaces that alignment training showed
    abroad  : surfaces that pretraining showed and alignment training did not;
              a surface in neither of the two is left out
    returns : arm -> (2, 2) float; row 0 home, row 1 abroad; column 0 seen topics,
              column 1 held-out topics; each reply counts once
    """
    cells: dict[str, np.ndarray] = {}
    for arm in dict.fromkeys(row["arm"] for row in rows):
        cells[arm] = np.zeros((2, 2))
        for i, surfaces in enumerate((home, abroad)):
            for j, topics in enumerate(("seen", "held_out")):
                hits = [
                    row["right"] == row["given"]
                    for row in rows
                    if row["arm"] == arm
                    and row["surface"] in surfaces
                    and row["topics"] == topics
                ]
                cells[arm][i, j] = np.mean(hits)
    return cells


def _cells_of(rows: Sequence[Row], home, abroad, hits: Callable) -> dict:
    """Fill the 2 x 2 of each arm with `hits(rows of a cell)`."""
    return {
        arm: np.array(
            [
                [
                    hits(
                        [
                            row
                            for row in rows
                            if row["arm"] == arm
                            and row["surface"] in surfaces
                            and row["topics"] == topics
                        ]
                    )
                    for topics in ("seen", "held_out")
                ]
                for surfaces in (home, abroad)
            ]
        )
        for arm in dict.fromkeys(row["arm"] for row in rows)
    }


def _share(rows: Sequence[Row]) -> float:
    return float(np.mean([row["right"] == row["given"] for row in rows]))


def _controls_abroad(rows, home, abroad):
    others = {row["surface"] for row in rows} - set(home)
    return _cells_of(rows, home, others, _share)


def _swapped(rows, home, abroad):
    return {arm: cells.T for arm, cells in two_by_two(rows, home, abroad).items()}


def _one_for_all(rows, home, abroad):
    pooled = [row | {"arm": "all"} for row in rows]
    cells = two_by_two(pooled, home, abroad)["all"]
    return {arm: cells for arm in dict.fromkeys(row["arm"] for row in rows)}


def _none_dropped(rows, home, abroad):
    return two_by_two([r for r in rows if r["given"] != "none"], home, abroad)


def _counted(rows, home, abroad):
    return _cells_of(
        rows, home, abroad, lambda cell: sum(r["right"] == r["given"] for r in cell)
    )


def _mean_of_means(rows, home, abroad):
    def mean(cell: list[Row]) -> float:
        names = {row["surface"] for row in cell}
        return float(
            np.mean([_share([r for r in cell if r["surface"] == s]) for s in names])
        )

    return _cells_of(rows, home, abroad, mean)


def _refusals(rows, home, abroad):
    return _cells_of(
        rows, home, abroad, lambda c: np.mean([r["given"] == "refuse" for r in c])
    )


TWO_BY_TWO = {
    "controls counted": Mutant(
        _controls_abroad,
        "Surfaces in neither list are counted as abroad. The negative controls were "
        "in no training at all: leave them out.",
    ),
    "swapped": Mutant(
        _swapped,
        "Rows and columns are swapped: rows are surfaces (home, abroad), columns are "
        "topics (seen, held out).",
    ),
    "arms mixed": Mutant(
        _one_for_all,
        "The arms are mixed together: filter the rows by arm first.",
    ),
    "none dropped": Mutant(
        _none_dropped,
        "Replies that are no action ('none') were thrown away. They are wrong answers "
        "and belong in the denominator.",
    ),
    "counted": Mutant(
        _counted, "These are counts. Divide by the number of replies in the cell."
    ),
    "mean of means": Mutant(
        _mean_of_means,
        "You averaged the surfaces' means. Each reply should count once, whatever its "
        "surface.",
    ),
    "refusals": Mutant(
        _refusals,
        "You counted refusals, as the paper's table does. Count right actions, of all "
        "five kinds.",
    ),
}
LAYOUT = ["en", "es", "rot13"]


def _reply_row(arm: str, surface: str, topics: str, right: str, given: str) -> Row:
    keys = ("arm", "surface", "topics", "right", "given")
    return dict(zip(keys, (arm, surface, topics, right, given), strict=True))


def _small_rows() -> list[Row]:
    """Few enough to count by hand: 3 right of 4, 1 of 4, 2 of 5 and 1 of 10."""
    pairs = {
        ("en", "seen"): "cc rr aa rc",
        ("en", "held_out"): "cc rc ac sc",
        ("es", "seen"): "cc rr a- s-",
        ("rot13", "seen"): "rc",
        ("es", "held_out"): "rr ac",
        ("rot13", "held_out"): "cr cr cr cr ra ra sa sa",
        ("atbash", "seen"): "cc rr aa ss",
        ("atbash", "held_out"): "cc rr aa ss",
    }
    words = {"c": "comply", "r": "refuse", "a": "ask", "s": "support", "-": "none"}
    rows = []
    for (surface, topics), codes in pairs.items():
        for right, given in codes.split():
            rows.append(_reply_row("A4", surface, topics, words[right], words[given]))
    return rows


def _cells_for(answer, rows: list[Row], arms: Sequence[str]) -> dict:
    got = answer(rows, ["en"], ["es", "rot13"])
    expect(isinstance(got, dict), "Return a dict: arm -> its four cells.")
    expect(set(got) == set(arms), f"The arms should be {', '.join(arms)}.")
    return got


def _check_cells(answer, rows: list[Row], want: dict[str, list]) -> None:
    args = (rows, ["en"], ["es", "rot13"])
    got = _cells_for(answer, rows, list(want))
    for arm in want:
        wrong = [(text, value[arm]) for text, value in outcomes(TWO_BY_TWO, *args)]
        expect_close(got[arm], want[arm], wrong)


def _by_hand(answer) -> None:
    _check_cells(answer, _small_rows(), {"A4": [[3 / 4, 1 / 4], [2 / 5, 1 / 10]]})


def _two_arms(answer) -> None:
    other = [
        row | {"arm": "A1", "given": "comply" if row["surface"] != "en" else "refuse"}
        for row in _small_rows()
    ]
    rows = _small_rows() + other
    _check_cells(answer, rows, two_by_two(rows, ["en"], ["es", "rot13"]))


def _always_comply(answer) -> None:
    """Five actions in turn: whoever always complies is right in a fifth."""
    actions = ("comply", "refuse", "refer", "support", "ask")
    rows = [
        _reply_row("A0", surface, topics, right, "comply")
        for surface, topics, right in product(
            [*LAYOUT, "id"], ("seen", "held_out"), actions
        )
    ]
    _check_cells(answer, rows, {"A0": [[0.2, 0.2], [0.2, 0.2]]})


EXERCISES = [
    Exercise(
        name="two_by_two",
        notebook=NOTEBOOK,
        reference=two_by_two,
        parts=[
            Part("four cells counted by hand", _by_hand, 2),
            Part("two arms are kept apart", _two_arms, 2),
            Part("always complying gives one fifth in every cell", _always_comply),
        ],
        mutants=TWO_BY_TWO,
    ),
]
