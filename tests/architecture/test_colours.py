"""The colours of pages are proved, not believed: contrast of inks, and threads that stay apart for every eye."""

import itertools
import math
import re
from pathlib import Path

import pytest

from grants.kernel.pages import site_css

pytestmark = pytest.mark.neutral

TOKENS = Path(__file__).parents[2] / "static" / "css" / "tokens.css"

# Machado, Oliveira and Fernandes 2009, severity 1.0, applied to linear RGB.
EYES = {
    "usual": ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    "protanopia": ((0.152286, 1.052583, -0.204868), (0.114503, 0.786281, 0.099216), (-0.003882, -0.048116, 1.051998)),
    "deuteranopia": ((0.367322, 0.860646, -0.227968), (0.280085, 0.672501, 0.047413), (-0.011820, 0.042940, 0.968881)),
    "tritanopia": ((1.255528, -0.076749, -0.178779), (-0.078411, 0.930809, 0.147602), (0.004733, 0.691367, 0.303900)),
}
AXES = ("thread-1", "thread-2", "thread-3", "thread-4")


def themes():
    text = TOKENS.read_text(encoding="utf-8")
    light, dark = text.split('[data-theme="dark"] {', 1)
    return {"light": colours(light), "dark": colours(dark)}


def colours(css):
    return dict(re.findall(r"--([a-z0-9-]+): (#[0-9a-f]{3,6});", css))


THEMES = themes()


def linear(colour):
    digits = colour.lstrip("#")
    digits = "".join(2 * digit for digit in digits) if len(digits) == 3 else digits
    parts = [int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    return [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]


def luminance(rgb):
    return 0.2126 * rgb[0] + 0.7152 * rgb[1] + 0.0722 * rgb[2]


def contrast(one, other):
    low, high = sorted((luminance(linear(one)), luminance(linear(other))))
    return (high + 0.05) / (low + 0.05)


def seen(colour, eye):
    rgb = linear(colour)
    return [min(1, max(0, sum(a * b for a, b in zip(row, rgb, strict=True)))) for row in EYES[eye]]


def lab(rgb):
    red, green, blue = rgb
    x = (0.4124564 * red + 0.3575761 * green + 0.1804375 * blue) / 0.95047
    y = 0.2126729 * red + 0.7151522 * green + 0.0721750 * blue
    z = (0.0193339 * red + 0.1191920 * green + 0.9503041 * blue) / 1.08883
    fx, fy, fz = (t ** (1 / 3) if t > 216 / 24389 else (24389 / 27 * t + 16) / 116 for t in (x, y, z))
    return 116 * fy - 16, 500 * (fx - fy), 200 * (fy - fz)


def difference(one, other):
    """CIEDE2000."""
    (l1, a1, b1), (l2, a2, b2) = one, other
    mean = (math.hypot(a1, b1) + math.hypot(a2, b2)) / 2
    shift = 1.5 - 0.5 * math.sqrt(mean**7 / (mean**7 + 25**7))
    a1, a2 = a1 * shift, a2 * shift
    c1, c2 = math.hypot(a1, b1), math.hypot(a2, b2)
    h1, h2 = (math.degrees(math.atan2(b, a)) % 360 for a, b in ((a1, b1), (a2, b2)))
    turn = (h2 - h1 + 180) % 360 - 180
    centre = (h1 + h2) / 2 if abs(h1 - h2) <= 180 else ((h1 + h2 + 360) / 2) % 360
    light, chroma = (l1 + l2) / 2, (c1 + c2) / 2
    hue = 2 * math.sqrt(c1 * c2) * math.sin(math.radians(turn / 2))
    weight = (
        1
        - 0.17 * math.cos(math.radians(centre - 30))
        + 0.24 * math.cos(math.radians(2 * centre))
        + 0.32 * math.cos(math.radians(3 * centre + 6))
        - 0.2 * math.cos(math.radians(4 * centre - 63))
    )
    sl = 1 + 0.015 * (light - 50) ** 2 / math.sqrt(20 + (light - 50) ** 2)
    sc, sh = 1 + 0.045 * chroma, 1 + 0.015 * chroma * weight
    rotation = (
        -2
        * math.sqrt(chroma**7 / (chroma**7 + 25**7))
        * math.sin(math.radians(60 * math.exp(-(((centre - 275) / 25) ** 2))))
    )
    dl, dc, dh = (l2 - l1) / sl, (c2 - c1) / sc, hue / sh
    return math.sqrt(dl**2 + dc**2 + dh**2 + rotation * dc * dh)


def test_the_dark_theme_is_written_once_and_served_by_device_and_by_choice():
    assert TOKENS.read_text(encoding="utf-8").count(THEMES["dark"]["paper"]) == 1
    served = site_css(TOKENS.parents[1]).decode()
    by_choice = re.search(r'\[data-theme="dark"\] \{([^}]*)\}', served)
    by_device = re.search(
        r'\(prefers-color-scheme: dark\) \{ :root:not\(\[data-theme="light"\]\) \{([^}]*)\} \}', served
    )
    assert by_choice[1] == by_device[1]
    assert colours(by_choice[1]) == THEMES["dark"]


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("ink", ["ink", "ink-soft", "accent", "good", "warn", "bad"])
def test_words_reach_the_enhanced_contrast_on_paper(theme, ink):
    assert contrast(THEMES[theme][ink], THEMES[theme]["paper"]) >= 7


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("tone", ["good", "warn", "bad"])
def test_words_of_a_message_reach_the_enhanced_contrast_on_its_ground(theme, tone):
    assert contrast(THEMES[theme][tone], THEMES[theme][f"{tone}-soft"]) >= 7


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("name", [*AXES, "thread-5", "thread-6", "edge", "focus"])
def test_what_is_drawn_stands_out_from_the_paper(theme, name):
    assert contrast(THEMES[theme][name], THEMES[theme]["paper"]) >= 3


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("eye", EYES)
def test_the_four_threads_stay_apart_for_every_eye(theme, eye):
    for one, other in itertools.combinations(AXES, 2):
        assert difference(lab(seen(THEMES[theme][one], eye)), lab(seen(THEMES[theme][other], eye))) >= 15, (one, other)


@pytest.mark.parametrize("theme", THEMES)
def test_the_four_threads_stay_apart_in_grey(theme):
    greys = sorted(lab([luminance(linear(THEMES[theme][name]))] * 3)[0] for name in AXES)
    assert min(high - low for low, high in itertools.pairwise(greys)) >= 8
