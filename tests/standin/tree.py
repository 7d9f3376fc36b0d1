"""A repository for the stand-in: a folder tree, printed as repo-ls prints it."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.standin import Standin

SHA = "9efd86a4a94df1efb78f1b4d1cd8648f4fd1be01"


@dataclass(slots=True)
class Tree:
    """Files by their paths, each with its size and its time of change; `show` lets them be listed."""

    standin: Standin
    repo: int = 1
    files: dict[str, tuple[int, int]] = field(default_factory=dict)

    def takes(self, path: str, document: bytes) -> None:
        """Take over a genuine recursive listing of *path*."""
        for name, entry in json.loads(document).items():
            if entry["type"] == "file" and name != ".":
                self.files[f"{path}/{name}"] = entry["size"], entry["time"]

    def segment(self, name: str, time: int, *, archive: str = "archive/demo/15-1", sha: str = SHA) -> None:
        self.files[f"{archive}/{name[:16]}/{name}-{sha}.gz"] = 1000, time

    def lacks(self, part: str) -> None:
        """Take away every file whose path holds *part*."""
        self.files = {path: file for path, file in self.files.items() if part not in path}

    def show(self) -> None:
        """Let this be what repo-ls sees, and nothing else."""
        for kind in ("ls", "walk"):
            for old in (self.standin.folder / f"{kind}.{self.repo}").glob("*.json"):
                old.unlink()
        for path, listing in self._folders().items():
            self.standin.lists(path, _printed(listing), repo=self.repo)
            walked = dict(self._below(path))
            self.standin.lists(path, _printed(walked), repo=self.repo, walked=True)

    def _folders(self) -> Mapping[str, Mapping[str, Any]]:
        folders: dict[str, dict[str, Any]] = {}
        for path, (size, time) in self.files.items():
            inside: dict[str, Any] = {"type": "file", "size": size, "time": time}
            at = Path(path)
            while str(at) != ".":
                folders.setdefault(str(at.parent), {})[at.name] = inside
                at, inside = at.parent, {"type": "path"}
        return folders

    def _below(self, path: str) -> Iterator[tuple[str, Any]]:
        seen = set()
        for name, (size, time) in self.files.items():
            if name.startswith(f"{path}/"):
                below = Path(name).relative_to(path)
                for parent in list(below.parents)[:-1]:
                    if parent not in seen:
                        seen.add(parent)
                        yield str(parent), {"type": "path"}
                yield str(below), {"type": "file", "size": size, "time": time}


def _printed(listing: Mapping[str, Any]) -> bytes:
    entries = {".": {"type": "path"}} | dict(sorted(listing.items()))
    return (json.dumps(entries, separators=(",", ":")) + "\n").encode()
