"""The characters the printed page can draw: what the fonts inside typst 0.15 hold, and how other text is made drawable.

A standard (PDF/A, PDF/UA) refuses a document with one undrawable character, so nothing reaches the printer unfiltered.
"""

import re
import unicodedata
from typing import Any

from grants.kernel.text import composed

# Read from the character maps of the fonts, then proved by printing every one (tests/kernel/test_papers.py).
# The serif draws these in every weight we use, alone and with the combining marks of the same list.
_SERIF = """
    20-7e a0-ac ae-23f 241 243 247 249 24d 250-2e4 2ec-2ee 300-331 338 342-343 351 357-363 374-375 37a-37e 384-38a
    38c 38e-3a1 3a3-3ce 3d0-3e1 3f0-3f6 3f8-3f9 3fb 3fd-45f 462-463 470-477 490-4c4 4c7-4cc 4d0-4f9 5b0-5c3 5c6
    5d0-5ea 5f0-5f4 1d35 1d43-1d44 1d47-1d4b 1d4d 1d4f-1d53 1d56-1d58 1d5a-1d5b 1d9c 1da0 1da4 1db6 1dbb 1e00-1e9b
    1e9e 1ea0-1ef9 1f00-1f15 1f18-1f1d 1f20-1f45 1f48-1f4d 1f50-1f57 1f59 1f5b 1f5d 1f5f-1f7d 1f80-1fb4 1fb6-1fc4
    1fc6-1fd3 1fd6-1fdb 1fdd-1fef 1ff2-1ff4 1ff6-1ffe 2000-200a 2010-2027 202f-2037 2039-203e 2042 2044 2047-204b
    204f 2070-2071 2074-208e 2090-2094 20a2-20a4 20a7-20a8 20ab-20ac 20af 20b1 20bf 2100-2103 2105-2106 2109
    210c-210f 2111 2113 2115-2116 2119-211a 211c-211d 2120 2122 2124 2126-2127 212e 2135-2139 2153-2184 2190-219b
    21a8 21ae 21bc-21bd 21c0-21c1 21cb-21d9 2200-220d 220f-221c 221e-221f 2223-222b 2236 223c 2241 2245 2248-2249
    2259 2260-2262 2264-2265 226a-226b 226e-2271 2282-2285 2295-2298 22c5 22ef 2302-2303 2310 2320-2321 2329-232a
    23d3 25a0-25a1 25b2-25b3 25b6-25b7 25bc-25bd 25c0-25c1 25c6-25c7 25c9-25cc 25cf-25d7 2605 2619 261b 261e 2627
    262f 2639-2653 2660 2663 2665-2666 2669-266c 2695 2698 26a2-26a4 2767 27e6-27e7 2c60-2c6c 2c74-2c77 a71b-a71d
    a720-a721 a789-a78c fb29-fb36 fb38-fb3c fb3e fb40-fb41 fb43-fb44 fb46-fb4e fffd 1d106-1d107
"""

# One of the other faces draws these, but only alone.
_ALONE = """
    240 242 244-246 248 24a-24c 24e-24f 2e5-2eb 2ef-2ff 370-373 376-377 37f 3cf 3e2-3ef 3f7 3fa 3fc 460-461 464-46f
    478-482 48a-48f 4c5-4c6 4cd-4cf 4fa-4ff 510-513 51a-51d 531-556 559-58a 58d-58f 5ef 606-60c 61b 61f 621-63a
    640-64a 660-66d 674 679-67b 67e-680 683-684 686-687 691 698 6a4 6a9 6af 6be 6cc 6f0-6f9 904-939 93d 950 958-961
    964-97f e3f e81-e82 e84 e87-e88 e8a e8d e94-e97 e99-e9f ea1-ea3 ea5 ea7 eaa-eab ead-eb0 eb2-eb3 10d0-10ff
    13a0-13f5 13f8-13fd 1d00-1d34 1d36-1d42 1d45-1d46 1d4c 1d4e 1d54-1d55 1d59 1d5c-1d9b 1d9d-1d9f 1da1-1da3
    1da5-1db5 1db7-1dba 1dbc-1dbf 1e9c-1e9d 1e9f 1efa-1eff 2038 203f-2040 2045-2046 204c-204e 2050-2052 2054-205f
    2095-209c 20a0-20a1 20a6 20a9-20aa 20ad-20ae 20b0 20b2-20be 20c0 2104 2107-2108 210a-210b 2110 2112 2114
    2117-2118 211b 211e 2128-212d 212f-2134 213a-2151 2189 219c-21a7 21a9-21ad 21af-21bb 21be-21bf 21c2-21ca
    21da-21ff 220e 221d 2220-2222 222c-2235 2237-223b 223d-2240 2242-2244 2246-2247 224a-2258 225a-225f 2263
    2266-2269 226c-226d 2272-2281 2286-2294 2299-22c4 22c6-22ee 22f0-2301 2304-230f 2311-231f 2322-2328 232b-23d2
    23d4-23ff 2422-2423 2460-259f 25a2-25b1 25b4-25b5 25b8-25bb 25be-25bf 25c2-25c5 25c8 25cd-25ce 25d8-2604 2606
    2609-2618 261a 261c-261d 261f-2626 2628-262e 2638 2654-265f 2661-2662 2664 2667-2668 266d-268b 2690-2694
    2696-2697 2699-269c 26a0-26a1 26a5-26a7 26aa-26af 26b2 2701-2704 2706-2709 270c-2714 2717-2726 272a-274b 274d
    274f-2752 2756 2758-275e 2761-2766 2768-277f 2794 2798-27af 27b1-27e5 27e8-2b73 2b76-2b95 2b97-2bff 2c6d-2c73
    2c78-2cee 2cf2-2cf3 2cf9-2cff 2e02-2e05 2e08-2e0a 2e17-2e18 2e1f 2e22-2e25 2e2e 3012 3016-3017 301a-301b 3030
    3036 306e a46a-a46b a640-a641 a648-a649 a656-a657 a708-a716 a71e-a71f a722-a727 a72d a730 a735 a765 a78d-a78e
    a790-a791 a793 a7aa a7f8-a7f9 ab52 ab66 ab70-abbf fb00-fb06 fb13-fb17 fb1d fb1f-fb28 fb4f fb52-fb81 fb8a-fb95
    fb9e-fb9f fbaa-fbad fbe8-fbe9 fbfc-fbff fe66 fe70-fe74 fe76-fefc fffc 10140-1018e 102e1-102fb 1d400-1d454
    1d456-1d49c 1d49e-1d49f 1d4a2 1d4a5-1d4a6 1d4a9-1d4ac 1d4ae-1d4b9 1d4bb 1d4bd-1d4c3 1d4c5-1d505 1d507-1d50a
    1d50d-1d514 1d516-1d51c 1d51e-1d539 1d53b-1d53e 1d540-1d544 1d546 1d54a-1d550 1d552-1d6a5 1d6a8-1d7cb
    1d7ce-1d7ff 1ee00-1ee03 1ee05-1ee1f 1ee21-1ee22 1ee24 1ee27 1ee29-1ee32 1ee34-1ee37 1ee39 1ee3b 1ee42 1ee47
    1ee49 1ee4b 1ee4d-1ee4f 1ee51-1ee52 1ee54 1ee57 1ee59 1ee5b 1ee5d 1ee5f 1ee61-1ee62 1ee64 1ee67-1ee6a
    1ee6c-1ee72 1ee74-1ee77 1ee79-1ee7c 1ee7e 1ee80-1ee89 1ee8b-1ee9b 1eea1-1eea3 1eea5-1eea9 1eeab-1eebb
    1eef0-1eef1 1f12f 1f6d1 1f780-1f7d8 1f7e0-1f7eb 1f800-1f80b 1f810-1f847 1f850-1f859 1f860-1f887 1f890-1f8ad
    1f8b0-1f8b1
"""

UNKNOWN = "\u25a1"
# What most texts are made of, drawn as it is.
_PLAIN = re.compile("[\n\x20-\x7e\xa0-\xac\xae-\xff\u2013\u2014\u2018\u2019\u201c\u201d\u2026\u202f\u20ac]*")


def _points(ranges: str) -> frozenset[int]:
    points: set[int] = set()
    for part in ranges.split():
        first, _, last = part.partition("-")
        points.update(range(int(first, 16), int(last or first, 16) + 1))
    return frozenset(points)


SERIF = _points(_SERIF)
DRAWABLE = SERIF | _points(_ALONE)


def drawable(text: str) -> str:
    """The text with what cannot be drawn left out (controls, marks, joiners) or shown as one square; new lines stay."""
    if _PLAIN.fullmatch(text):
        return text
    characters: list[str] = []
    for character in composed(text.replace("\r\n", "\n")):
        kind = unicodedata.category(character)
        if character in "\n\r\u2028\u2029":
            characters.append("\n")
        elif character == "\t":
            characters.append(" ")
        elif kind[0] == "M":
            if characters and ord(character) in SERIF and ord(characters[-1][-1]) in SERIF:
                characters.append(character)
        elif kind not in {"Cc", "Cf", "Cs"}:
            characters.append(_nearest(character))
    return "".join(
        each for i, each in enumerate(characters) if each != UNKNOWN or i == 0 or characters[i - 1] != UNKNOWN
    )


def _nearest(character: str) -> str:
    """The character itself, its plain form (full width, mathematical bold…), or the square."""
    if ord(character) in DRAWABLE:
        return character
    plain = composed(character, "NFKC")
    return plain if plain.strip() and all(ord(each) in DRAWABLE for each in plain) else UNKNOWN


def all_drawable(data: Any) -> Any:
    """The same data with every text made drawable, keys included; other values unchanged."""
    if isinstance(data, str):
        return drawable(data)
    if isinstance(data, dict):
        return {drawable(str(key)): all_drawable(value) for key, value in data.items()}
    if isinstance(data, list | tuple):
        return [all_drawable(value) for value in data]
    return data
