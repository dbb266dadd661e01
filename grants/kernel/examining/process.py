"""The process that reads one stranger's file, holds itself to limits, and tells what it found."""

import importlib
import json
import resource
import sys

from grants.kernel.examining.found import FileFacts, UnfitError

MIB = 1024 * 1024
SECONDS = 15  # of processor; an honest file of 10 MB takes less than 3
MEMORY = 768 * MIB
OUTPUT = 48 * MIB
DESCRIPTORS = 32

READERS = {
    "pdf": ("pdf", "fit"),
    "jpeg": ("image", "fit_jpeg"),
    "png": ("image", "fit_png"),
    "heic": ("image", "fit_heic"),
    "docx": ("office", "fit_docx"),
    "xlsx": ("office", "fit_xlsx"),
    "odt": ("office", "fit_odt"),
    "ods": ("office", "fit_ods"),
    "preview_pdf": ("preview", "preview_pdf"),
    "preview_picture": ("preview", "preview_picture"),
}


def limit() -> None:
    """Take the limits for the rest of this process: time, memory, bytes written, descriptors; it leaves no core."""
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS + 1))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_FSIZE, (OUTPUT, OUTPUT))
    resource.setrlimit(resource.RLIMIT_NOFILE, (DESCRIPTORS, DESCRIPTORS))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def examine(kind: str, content: bytes) -> FileFacts:
    """What a file of a known kind holds. Raises UnfitError; MemoryError and worse end the process."""
    module, function = READERS[kind]
    reader = importlib.import_module(f"grants.kernel.examining.{module}")
    found: FileFacts = getattr(reader, function)(content)
    return found


def main(kind: str) -> None:
    """Read a file from the standard input; write one line of facts, then the copy if there is one."""
    limit()
    copy = b""
    facts: dict[str, object]
    try:
        found = examine(kind, sys.stdin.buffer.read())
    except UnfitError as error:
        facts = {"unfit": error.code}
    except (MemoryError, RecursionError):
        facts = {"unfit": "limits"}
    else:
        copy = found.copy or b""
        facts = {"copy": found.copy is not None, "suffix": found.suffix, "signed": found.signed}
    sys.stdout.buffer.write(json.dumps(facts).encode() + b"\n")
    sys.stdout.buffer.write(copy)
