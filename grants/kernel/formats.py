"""The file formats that are accepted, and the words for what is wrong with a file.

What reads them is in `grants.kernel.examining`, which this process never loads: see `grants.kernel.bounded`.
"""

from dataclasses import dataclass

from grants.kernel.words import LazyString, _l


@dataclass(frozen=True)
class Format:
    """An accepted format: its name, its media type, and the name of its reader."""

    label: str
    media_type: str
    reader: str


_OFFICE = "application/vnd.openxmlformats-officedocument."
_OPEN = "application/vnd.oasis.opendocument."
_JPEG = Format("JPEG", "image/jpeg", "jpeg")
_HEIC = Format("HEIC", "image/heic", "heic")
FORMATS = {
    "pdf": Format("PDF", "application/pdf", "pdf"),
    "jpg": _JPEG,
    "jpeg": _JPEG,
    "jfif": _JPEG,
    "png": Format("PNG", "image/png", "png"),
    "docx": Format("DOCX", _OFFICE + "wordprocessingml.document", "docx"),
    "xlsx": Format("XLSX", _OFFICE + "spreadsheetml.sheet", "xlsx"),
    "odt": Format("ODT", _OPEN + "text", "odt"),
    "ods": Format("ODS", _OPEN + "spreadsheet", "ods"),
    "heic": _HEIC,
    "heif": _HEIC,
}
LABELS = ", ".join(dict.fromkeys(each.label for each in FORMATS.values()))
ENVELOPES = {"p7m", "p7s", "asice", "asics", "sce", "scs"}  # a signed document inside, which nobody could read here
SUFFIXES = ",".join(f".{suffix}" for suffix in FORMATS)

_NOT_PDF = _l("Ce fichier n’est pas un PDF valide.")
UNFIT: dict[str, LazyString] = {
    "magic": _NOT_PDF,
    "structure": _NOT_PDF,
    "polyglot": _l("Ce PDF contient des données étrangères après sa fin."),
    "encrypted": _l("Ce PDF demande un mot de passe pour être lu : enregistrez-le sans mot de passe."),
    "objects": _l("Ce PDF est trop complexe. Imprimez-le de nouveau en PDF."),
    "empty": _l("Ce PDF n’a aucune page."),
    "image_magic": _l("Le contenu de ce fichier n’est pas l’image que son nom annonce."),
    "heic": _l("Cette photo est au format HEIC, sous un autre nom : renommez-la en .heic, ou enregistrez-la en JPEG."),
    "image": _l("Cette image est illisible ou incomplète."),
    "scans": _l("Cette image est enregistrée en trop de passages : ouvrez-la, puis enregistrez-la de nouveau."),
    "pixels": _l("Cette image est trop grande : 25 millions de points au plus (60 pour une photo ordinaire)."),
    "office": _l("Ce document est abîmé, ou n’est pas du type que son nom annonce."),
    "office_encrypted": _l("Ce document est protégé : enregistrez-le sans mot de passe."),
    "unpacked": _l("Ce document est trop lourd une fois ouvert : enregistrez-le en PDF."),
    "macro": _l("Ce document contient des macros ou des objets actifs : enregistrez-le sans eux, ou en PDF."),
    "limits": _l("Ce fichier est trop complexe pour être contrôlé : enregistrez-le plus simplement, ou en PDF."),
}
