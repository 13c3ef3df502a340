"""What a reader sees of colours: contrast, colour blindness, and colours in HTML."""

import re
from html.parser import HTMLParser

import numpy as np
from matplotlib.colors import to_rgb

TEXT, GRAPHICS = 4.5, 3.0  # the least contrast, by WCAG 2.2, 1.4.3 and 1.4.11
# Machado, Oliveira and Fernandes 2009, "A Physiologically-based Model for Simulation of
# Color Vision Deficiency", IEEE TVCG 15(6), severity 1.0. They act on linear RGB.
VISION = {
    "full": np.eye(3),
    "protanopia": np.array(
        [
            [0.152286, 1.052583, -0.204868],
            [0.114503, 0.786281, 0.099216],
            [-0.003882, -0.048116, 1.051998],
        ]
    ),
    "deuteranopia": np.array(
        [
            [0.367322, 0.860646, -0.227968],
            [0.280085, 0.672501, 0.047413],
            [-0.011820, 0.042940, 0.968881],
        ]
    ),
    "tritanopia": np.array(
        [
            [1.255528, -0.076749, -0.178779],
            [-0.078411, 0.930809, 0.147602],
            [0.004733, 0.691367, 0.303900],
        ]
    ),
}
# sRGB to XYZ (IEC 61966-2-1), and the white of daylight, D65.
XYZ = np.array(
    [
        [0.4124564, 0.3575761, 0.1804375],
        [0.2126729, 0.7151522, 0.0721750],
        [0.0193339, 0.1191920, 0.9503041],
    ]
)
D65 = np.array([0.95047, 1.0, 1.08883])


def linear(color: str) -> np.ndarray:
    """A colour's red, green and blue as amounts of light."""
    c = np.array(to_rgb(color))
    return np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4)


def contrast(one: str, other: str) -> float:
    """The contrast ratio of two colours, from 1 to 21."""
    dark, light = sorted(XYZ[1] @ linear(color) for color in (one, other))
    return (light + 0.05) / (dark + 0.05)


def lab(color: str, vision: str) -> np.ndarray:
    """A colour in CIELAB, as somebody with this colour vision sees it."""
    t = XYZ @ np.clip(VISION[vision] @ linear(color), 0, 1) / D65
    d = 6 / 29
    f = np.where(t > d**3, np.cbrt(t), t / (3 * d**2) + 4 / 29)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def distance(one: str, other: str, vision: str) -> float:
    """How different two colours look: about 2 is just noticeable side by side."""
    return float(np.linalg.norm(lab(one, vision) - lab(other, vision)))


def declared(style: str) -> dict[str, str]:
    """The text colour and background of a style, where it sets them."""
    found = {}
    for part in style.split(";"):
        name, _, value = (text.strip().lower() for text in part.partition(":"))
        if name in {"color", "background", "background-color"}:
            found[name.removesuffix("-color")] = value
    return found


class Page(HTMLParser):
    """HTML as it is shown: `problems` says what of it cannot be read by everybody."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.problems: list[str] = []
        self.texts = 0  # pieces of text that have a colour of their own
        self.inside: list[tuple[str, dict[str, str]]] = []
        self.tables: list[int] = []  # heading cells of each table that is open
        self.classes: dict[str, dict[str, str]] = {}
        for sheet in re.findall(r"<style>(.*?)</style>", html, re.DOTALL):
            self._read(re.sub(r"/\*.*?\*/", "", sheet, flags=re.DOTALL))
        self.feed(html)

    def _read(self, sheet: str) -> None:
        for names, style in re.findall(r"([^{}]+)\{([^{}]*)\}", sheet):
            look = declared(style)
            for name in names.split(","):
                if look and not re.fullmatch(r"\.?\w+", name.strip()):
                    self.problems.append(f"a rule that is not understood: {name}")
                self.classes[name.strip()] = look

    def handle_starttag(self, tag: str, attrs: list) -> None:
        about = dict(attrs)
        look = dict(self.inside[-1][1]) if self.inside else {}
        for name in (tag, *(f".{one}" for one in about.get("class", "").split())):
            look |= self.classes.get(name, {})
        look |= declared(about.get("style", ""))
        if tag == "img" and not about.get("alt"):
            self.problems.append("a picture without alternative text")
        if tag == "table":
            self.tables.append(0)
        if tag == "th":
            self.tables[-1] += 1
            if about.get("scope") not in {"row", "col"}:
                self.problems.append("a heading cell that does not say of what")
        if tag not in {"br", "hr", "img", "meta", "link"}:
            self.inside.append((tag, look))

    def handle_endtag(self, tag: str) -> None:
        if tag == "table" and not self.tables.pop():
            self.problems.append("a table without heading cells")
        while self.inside and self.inside.pop()[0] != tag:
            pass

    def handle_data(self, data: str) -> None:
        tag, look = self.inside[-1] if self.inside else ("", {})
        if not data.strip() or tag in {"style", "title"} or not look:
            return  # text without colours of its own has those of the theme
        self.texts += 1
        if len(look) < 2:
            sets = next(iter(look))
            self.problems.append(f"sets {sets} alone, for another theme: {data!r}")
        elif contrast(look["color"], look["background"]) < TEXT:
            ratio = contrast(look["color"], look["background"])
            self.problems.append(f"a contrast of {ratio:.1f}:1: {data!r}")
