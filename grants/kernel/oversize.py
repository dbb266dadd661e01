"""A request too large to be taken: its text fields are read all the same, so that what was typed is kept."""

from urllib.parse import parse_qsl

from flask import current_app, request
from werkzeug.datastructures import FileStorage, ImmutableMultiDict
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.sansio.multipart import Data, Epilogue, Field, File, MultipartDecoder, NeedData

from grants.kernel.bodies import TEXTS

STEP = 65_536
MOST = 4  # times the largest body that is accepted: what is longer is not read to its end


def read_fields() -> None:
    """Give this request the text fields of its body and the names of its files; the bytes of files are passed over.

    Reads at most `MOST` times the accepted size, in pieces. Text beyond the accepted size of fields is not kept.
    """
    request.form = ImmutableMultiDict()
    request.files = ImmutableMultiDict()
    if request.mimetype == "application/x-www-form-urlencoded" and (request.content_length or 0) <= TEXTS:
        text = request.environ["wsgi.input"].read(request.content_length or 0).decode("utf-8", "replace")
        request.form = ImmutableMultiDict(parse_qsl(text, keep_blank_values=True))
        return
    boundary = request.mimetype_params.get("boundary", "")
    if request.mimetype != "multipart/form-data" or not boundary.isascii() or not boundary:
        return
    decoder = MultipartDecoder(boundary.encode("ascii"), max_parts=request.max_form_parts)
    fields: list[tuple[str, str]] = []
    files: list[tuple[str, FileStorage]] = []
    try:
        _read(decoder, fields, files)
    except (ValueError, RequestEntityTooLarge):
        current_app.logger.info("the end of a body that is too large was not understood")
    request.form, request.files = ImmutableMultiDict(fields), ImmutableMultiDict(files)


def _read(decoder: MultipartDecoder, fields: list[tuple[str, str]], files: list[tuple[str, FileStorage]]) -> None:
    left, room = MOST * int(current_app.config["MAX_CONTENT_LENGTH"]), TEXTS
    name, text = "", bytearray()
    stream = request.environ["wsgi.input"]
    left = min(left, request.content_length or 0)
    while left > 0 and (piece := stream.read(min(STEP, left))):
        left -= len(piece)
        decoder.receive_data(piece)
        while not isinstance(event := decoder.next_event(), NeedData | Epilogue):
            if isinstance(event, Field):
                name, text = event.name, bytearray()
            elif isinstance(event, File):
                name = ""
                files.append((event.name, FileStorage(filename=event.filename, name=event.name)))
            elif isinstance(event, Data) and name:
                room -= len(event.data)
                if room < 0:
                    return
                text += event.data
                if not event.more_data:
                    fields.append((name, text.decode("utf-8", "replace")))
        if isinstance(event, Epilogue):
            return
