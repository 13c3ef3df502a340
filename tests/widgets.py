"""What of the widgets that are alive cannot be read, or not be told apart."""

import ipywidgets as w
from ipywidgets.widgets.widget import _instances

from tests.contrast import Page

CONTROLS = (
    w.Button,
    w.Dropdown,
    w.IntSlider,
    w.FloatSlider,
    w.SelectionSlider,
    w.SelectMultiple,
    w.Checkbox,
    w.Text,
    w.Textarea,
    w.IntProgress,
)
# A control's name has 80 pixels unless its style says otherwise; a longer one is cut.
LETTERS = 12


def problems() -> list[str]:
    """A line for all that is wrong with a widget that a test has made."""
    found = []
    for widget in list(_instances.values()):
        if isinstance(widget, w.HTML):
            found += Page(widget.value).problems
        elif isinstance(widget, CONTROLS):
            found += _of_control(widget)
    return found


def _of_control(widget: w.Widget) -> list[str]:
    kind, name = type(widget).__name__, widget.description
    if not name.strip():
        return [f"a {kind} without a name"]
    width = getattr(widget.style, "description_width", "initial")
    if not isinstance(widget, w.Button | w.Checkbox) and not width:
        return [f"{kind}: {name!r} is cut"] if len(name) > LETTERS else []
    return []
