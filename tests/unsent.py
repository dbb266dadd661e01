"""The browser's part of saving while one types, in Python: it sends what `autosave.js` and `unsent.js` send.

`Device` is what a browser keeps when its tabs are gone, `Tab` a page of a draft that is open there.
"""

import json
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from requests import RequestException, Response

from tests.client import LIGHT
from tests.site import Visitor, tree_of

GAP = 1000  # as queue.js
Row = dict[str, Any]
Answer = tuple[int, dict[str, Any]]  # a status, 0 when none came, and what it says


@dataclass
class Device:
    """A browser: whose session it has, whether its line is whole, and what its pages keep, the oldest first."""

    visitor: Visitor
    is_cut: bool = False
    is_lossy: bool = False  # what is sent arrives, its answer does not
    rows: dict[str, Row] = field(default_factory=dict)
    open: set[str] = field(default_factory=set)

    def post(self, place: str, keys: dict[str, str], writer: str, saves: list[Row]) -> Answer:
        """Send saves of fields."""
        if self.is_cut:
            return 0, {}
        sent = json.dumps({"writer": writer, "saves": saves})
        try:
            answer = self.visitor.post(place, {**keys, "saves": sent})
        except RequestException:
            return 0, {}
        return (0, {}) if self.is_lossy else (answer.status_code, answer.json())

    def orphans(self) -> list[str]:
        """The pages that are closed and left something."""
        return [writer for writer in self.rows if writer not in self.open]

    def send_all(self, keys: dict[str, str]) -> None:
        """Send what closed pages left, as any page of the author does when it opens."""
        for writer in self.orphans():
            self.send_row(writer, keys)

    def send_row(self, writer: str, keys: dict[str, str]) -> None:
        """Send what one closed page left; what is not taken stays."""
        row = self.rows[writer]
        waiting = {one["field"]: one for one in row["fields"]}
        untried = list(waiting)
        row["number"] += GAP
        while row["pending"] or untried:
            if not row["pending"]:
                for name in untried:
                    row["number"] += 1
                    row["pending"].append({"n": row["number"], **deepcopy(waiting[name])})
                untried = []
            status, answer = self.post(row["place"], keys, writer, row["pending"])
            if status != 200:
                return
            for save in answer["saves"]:
                sent = next(one for one in row["pending"] if one["field"] == save["field"])
                if save["state"] not in {"saved", "wrong"}:
                    waiting.setdefault(save["field"], {name: sent[name] for name in ("field", "version", "typed")})
                elif save["field"] in untried:
                    waiting[save["field"]]["version"] = save["version"]
                else:
                    waiting.pop(save["field"], None)
            row["pending"], row["fields"] = [], list(waiting.values())
        if not row["fields"]:
            del self.rows[writer]


class Tab:
    """A page of a draft, open on a device: the texts it shows, what it has not sent, the conflicts it asks about."""

    def __init__(self, device: Device, path: str) -> None:
        self.device, self.path, self.writer = device, path, str(uuid4())
        self.number, self.pending = 0, list[Row]()
        self.waiting, self.stuck = dict[str, None](), dict[str, None]()
        self.conflicts: dict[str, Row] = {}
        self.read_page(lambda _field: True)
        device.open.add(self.writer)
        self.take_up()

    @property
    def is_writable(self) -> bool:
        """Whether there is a form to write in."""
        return bool(self.names)

    def read_page(self, is_taken: Callable[[str], bool]) -> bool:
        """Read the page of the server; whether it came. The fields that are taken show what it says."""
        answer = patient(lambda: self.device.visitor.get(self.path))
        forms = tree_of(answer).xpath("//form[@data-saves]")
        if not forms:
            self.names = getattr(self, "names", {})
            self.keys = keys_of(tree_of(answer))
            return False
        form, fresh = forms[0], not hasattr(self, "texts")
        self.keys, self.place, self.blank = keys_of(form), form.get("data-saves"), form.get("data-blank")
        paths = json.loads(form.get("data-paths"))
        self.names = {paths[name]: name for name in form.xpath(".//textarea/@name") if name in paths}
        if fresh:
            self.texts, self.versions = dict[str, str](), dict[str, str]()
        now = versions_of(form.xpath(".//input[@name='stamp']/@value")[0])
        for path, name in self.names.items():
            if is_taken(path):
                self.texts[path] = form.xpath(f".//textarea[@name='{name}']")[0].text or ""
                self.versions[path] = now.get(path, self.blank)
        return True

    def take_up(self) -> None:
        """Go on where a closed page of this place stopped; send what other pages left."""
        for writer in self.device.orphans():
            row = self.device.rows[writer]
            if self.is_writable and row["place"] == self.place and not self.waiting and not self.number:
                self.device.open.discard(self.writer)
                self.device.open.add(writer)
                self.writer, self.number, self.pending = writer, row["number"] + GAP, deepcopy(row["pending"])
                for one in [*self.pending, *row["fields"]]:
                    self.texts[one["field"]] = one["typed"][self.names[one["field"]]][0]
                for one in row["fields"]:
                    self.versions[one["field"]] = one["version"]
                    self.waiting[one["field"]] = None
                self.send()
            else:
                self.device.send_row(writer, self.keys)

    def type(self, path: str, text: str) -> None:
        """Put a text in a field; it is on the device at once, and leaves with the next `send`."""
        self.texts[path] = text
        self.stuck.pop(path, None)
        if path not in self.conflicts:
            self.waiting[path] = None
        self.keep()

    def save_of(self, path: str) -> Row:
        """What is kept, and sent, of a field."""
        return {"field": path, "version": self.versions[path], "typed": {self.names[path]: [self.texts[path]]}}

    def keep(self) -> None:
        """Keep on the device what is not sent."""
        left = list(dict.fromkeys([*self.waiting, *self.conflicts, *self.stuck]))
        if not self.pending and not left:
            self.device.rows.pop(self.writer, None)
            return
        fields = [self.save_of(path) for path in left]
        row = {"place": self.place, "number": self.number, "pending": self.pending, "fields": fields}
        self.device.rows[self.writer] = deepcopy(row)

    def send(self) -> int:
        """Send what waits, what was sent before first; the status of the answer."""
        while self.pending or self.waiting:
            if not self.pending:
                for path in self.waiting:
                    self.number += 1
                    self.pending.append({"n": self.number, **self.save_of(path)})
                self.waiting = {}
                self.keep()
            status, answer = self.device.post(self.place, self.keys, self.writer, self.pending)
            if status != 200:
                return status
            self.pending = []
            self.receive(answer)
            self.keep()
        return 200

    def receive(self, answer: dict[str, Any]) -> None:
        """Take what the server answers; then read what others wrote in fields that wait for nothing here."""
        for save in answer["saves"]:
            if save["state"] in {"saved", "wrong"}:
                self.versions[save["field"]] = save["version"]
            elif save["state"] == "conflict":
                self.conflicts[save["field"]] = save
            else:
                self.stuck[save["field"]] = None
        now = versions_of(answer["stamp"])
        unsent = {*self.waiting, *self.conflicts, *self.stuck}
        if any(now.get(path, self.blank) != self.versions[path] for path in self.names.keys() - unsent):
            self.read_page(lambda path: path not in unsent)

    def keep_both(self) -> None:
        """Answer each conflict by both texts, as the button does."""
        for path, save in list(self.conflicts.items()):
            self.versions[path] = save["version"]
            del self.conflicts[path]
            self.type(path, f"{self.texts[path]}\n\n{save['theirs']}".strip())

    def enter(self, visitor: Visitor) -> None:
        """Sign in over the page: its keys are those of the new session."""
        self.device.visitor = visitor
        self.keys = keys_of(tree_of(visitor.get(LIGHT)))

    def close(self) -> None:
        """The tab is gone; what it kept stays on the device."""
        self.device.open.discard(self.writer)


def patient(ask: Callable[[], Response]) -> Response:
    """Ask, once more when the server was killed meanwhile."""
    try:
        return ask()
    except RequestException:
        return ask()


def versions_of(stamp: str) -> dict[str, str]:
    """The versions that a stamp tells, by field."""
    return {path: version for path, _colon, version in (word.rpartition(":") for word in stamp.split())}


def keys_of(tree: Any) -> dict[str, str]:
    """The anti-forgery token and the key of the first form of a page."""
    return {name: next(iter(tree.xpath(f".//input[@name='{name}']/@value")), "") for name in ("csrf_token", "_key")}
