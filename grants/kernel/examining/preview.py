"""Small pictures of files: the first page of a PDF, or a picture made smaller."""

import importlib
import io
from collections.abc import Callable, Sequence
from typing import Protocol

from PIL import Image

from grants.kernel.examining.found import FileFacts, UnfitError

SIDE = 320  # pixels of the longer side
_WHITE = "white"


class Drawn(Protocol):
    """A page that was drawn."""

    def to_pil(self) -> Image.Image: ...


class Page(Protocol):
    """What is asked of a page of the library."""

    def get_size(self) -> tuple[float, float]: ...

    def render(self, *, scale: float, draw_annots: bool) -> Drawn: ...


def preview_pdf(content: bytes) -> FileFacts:
    """The first page of a PDF. Raises UnfitError when no page can be drawn."""
    document_of: Callable[[bytes], Sequence[Page]] = importlib.import_module("pypdfium2").PdfDocument
    try:
        page = document_of(content)[0]
        longer = max(page.get_size())
        if longer <= 0:
            raise UnfitError("preview")
        picture = page.render(scale=SIDE / longer, draw_annots=False).to_pil()
    except (RuntimeError, ValueError, IndexError, OSError) as error:  # the library's own error is a RuntimeError
        raise UnfitError("preview") from error
    return _small(picture)


def preview_picture(content: bytes) -> FileFacts:
    """A picture that was examined before: its pixels are within our limits. Raises UnfitError."""
    try:
        with Image.open(io.BytesIO(content), formats=["JPEG", "PNG"]) as picture:
            picture.draft("RGB", (SIDE, SIDE))
            return _small(picture)
    except (OSError, SyntaxError, ValueError, OverflowError) as error:
        raise UnfitError("preview") from error


def _small(picture: Image.Image) -> FileFacts:
    picture.thumbnail((SIDE, SIDE))
    shown = Image.new("RGB", picture.size, _WHITE)
    whole = picture.convert("RGBA")
    shown.paste(whole, mask=whole.getchannel("A"))
    output = io.BytesIO()
    shown.save(output, format="JPEG", quality=70, optimize=True)
    return FileFacts(output.getvalue(), suffix="jpg")
