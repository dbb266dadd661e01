"""Pictures: their size and their scans are counted before a pixel is decoded, then they are encoded again."""

import importlib
import io
import math
import re
import zlib

from PIL import Image, ImageOps

from grants.kernel.examining.found import FileFacts, UnfitError

PIXELS_DECODED = 25_000_000
PIXELS_OFFERED = 60_000_000
SCANS = 32  # encoders write 10 to 14; a decoder passes over the whole picture for each

# Our own limits, before any pixel is decoded, replace Pillow's: its warning goes to the log, not to the person.
Image.MAX_IMAGE_PIXELS = None

_MARKER = re.compile(rb"\xff[\x01-\xcf\xd8-\xfe]")  # any number of FF may come before the last
_START, _END, _SCAN = 0xD8, 0xD9, 0xDA
_LONE = {0x01, _START}
_HEIC = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")


def fit_jpeg(content: bytes) -> FileFacts:
    """A JPEG; see `_fit`."""
    if _is_heic(content):
        raise UnfitError("heic")
    if not content.startswith(b"\xff\xd8\xff"):
        raise UnfitError("image_magic")
    if scans(content) > SCANS:
        raise UnfitError("scans")
    return _fit(content, "JPEG", "JPEG")


def fit_png(content: bytes) -> FileFacts:
    """A PNG; see `_fit`."""
    if not content.startswith(b"\x89PNG\r\n\x1a\n"):
        raise UnfitError("image_magic")
    return _fit(content, "PNG", "PNG")


def fit_heic(content: bytes) -> FileFacts:
    """A picture of a recent telephone, whose copy is a JPEG; see `_fit`."""
    if not _is_heic(content):
        raise UnfitError("image_magic")
    # Loaded only for such a picture.
    reader = importlib.import_module("pillow_heif")
    reader.options.DECODE_THREADS = 1
    reader.options.ALLOW_INCORRECT_HEADERS = False
    reader.register_heif_opener(thumbnails=False)
    found = _fit(content, "HEIF", "JPEG")
    return FileFacts(found.copy, suffix="jpg")


def _is_heic(content: bytes) -> bool:
    return content[4:8] == b"ftyp" and any(brand in content[8:64] for brand in _HEIC)


def scans(content: bytes) -> int:
    """How many scans a JPEG holds, counted up to `SCANS` + 1 from its markers, without decoding any."""
    place, count = 0, 0
    while count <= SCANS and (found := _MARKER.search(content, place)) is not None:
        marker, place = found[0][-1], found.end()
        if marker == _END:
            break
        if marker in _LONE:
            continue
        count += marker == _SCAN
        place += max(2, int.from_bytes(content[place : place + 2]))
    return count


def _fit(content: bytes, kind: str, output_format: str) -> FileFacts:
    """A copy decoded, turned upright and encoded again: no place, no camera, no other content is kept.

    Raises UnfitError: pixels or image.
    """
    try:
        with Image.open(io.BytesIO(content), formats=[kind]) as image:
            return FileFacts(_encoded_again(image, output_format))
    except (OSError, SyntaxError, ValueError, EOFError, IndexError, OverflowError, RuntimeError, zlib.error) as error:
        raise UnfitError("image") from error


def _encoded_again(image: Image.Image, kind: str) -> bytes:
    pixels = image.width * image.height
    # A progressive JPEG is held whole while it is decoded, whatever the size asked of it.
    large = kind == "JPEG" and not image.info.get("progressive")
    if pixels > (PIXELS_OFFERED if large else PIXELS_DECODED):
        raise UnfitError("pixels")
    reduction = 1 if pixels <= PIXELS_DECODED else math.isqrt(pixels // PIXELS_DECODED) + 1
    smaller = max(1, image.width // reduction), max(1, image.height // reduction)
    if reduction > 1:
        image.draft(None, smaller)
    image.load()
    ImageOps.exif_transpose(image, in_place=True)
    image.info = {key: value for key, value in image.info.items() if key == "transparency"}
    if kind == "JPEG" and image.mode not in {"L", "RGB"}:
        image = image.convert("RGB")
    if image.width * image.height > PIXELS_DECODED:
        image = image.reduce(reduction)
    output = io.BytesIO()
    image.save(output, format=kind, quality=88, compress_level=3)
    return output.getvalue()
