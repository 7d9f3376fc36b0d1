"""A pgBackRest that costs nearly nothing: `info` prints a prepared file, so only exporters are measured."""

from __future__ import annotations

from pathlib import Path

from tests.bench.documents import Document

_SCRIPT = """#!/bin/sh
for word; do
    case $word in
        info) echo >>'{folder}/calls'; exec cat '{folder}/info.json' ;;
        version) case "$*" in *num*) echo 2059001 ;; *) echo 'pgBackRest 2.59.1' ;; esac; exit 0 ;;
    esac
done
echo 'the stand-in knows only info and version' >&2
exit 27
"""


class StandIn:
    """The program `folder/pgbackrest`, its configuration, and the document that it prints next."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.program = folder / "pgbackrest"
        self.program.write_text(_SCRIPT.format(folder=folder))
        self.program.chmod(0o755)
        self._calls = folder / "calls"
        self._calls.touch()

    @property
    def calls(self) -> int:
        """How often `info` was begun: each call writes one line end, which `stat` shows without reading."""
        return self._calls.stat().st_size

    def prepare(self, document: Document, name: str) -> Path:
        """Writes a document beside the current one."""
        path = self.folder / name
        with path.open("wb") as file:
            file.writelines(document.pieces())
        return path

    def show(self, prepared: Path) -> None:
        """Makes a prepared document the current one; a `cat` that has the old one open reads on in it."""
        link = self.folder / "next.json"
        link.unlink(missing_ok=True)
        link.hardlink_to(prepared)
        link.replace(self.folder / "info.json")

    def publish(self, document: Document) -> None:
        """Writes a document and makes it the current one."""
        path = self.prepare(document, "new.json")
        path.replace(self.folder / "info.json")

    def configuration(self, document: Document) -> Path:
        """A pgbackrest.conf with a section for each stanza."""
        path = self.folder / "pgbackrest.conf"
        lines = ["[global]", f"repo1-path={self.folder}/repo1", f"repo2-path={self.folder}/repo2"]
        for stanza in document.stanzas:
            lines += [f"[{stanza.name}]", f"pg1-path={self.folder}/{stanza.name}"]
        path.write_text("\n".join(lines) + "\n")
        return path
