"""The executable stand-in for pgbackrest, and a handle to tell it what to do."""

from dataclasses import dataclass
from pathlib import Path

PROGRAM = Path(__file__).with_name("pgbackrest")


@dataclass(frozen=True, slots=True)
class Standin:
    """What the stand-in reads from its folder (STANDIN_DIR) and what it has noted there."""

    folder: Path

    @property
    def program(self) -> str:
        return str(PROGRAM)

    def prints(self, document: bytes, stanza: str | None = None, repo: int | None = None) -> None:
        """Let `info`, or `info --stanza`, or that with `--repo`, print this from now on, never half of it."""
        name = ".".join(("info", *filter(None, (stanza, str(repo or ""))), "json"))
        new = self.folder / f"{name}.new"
        new.write_bytes(document)
        new.rename(self.folder / name)

    def lists(self, path: str, document: bytes, *, repo: int = 1, walked: bool = False) -> None:
        """Let `repo-ls PATH` print this from now on; *walked* with --recurse."""
        self._puts(f"{'walk' if walked else 'ls'}.{repo}", f"{path.replace('/', '+')}.json", document)

    def holds(self, path: str, content: bytes, *, repo: int = 1) -> None:
        """Let `repo-get PATH` print this from now on."""
        self._puts(f"get.{repo}", path.replace("/", "+"), content)

    def _puts(self, folder: str, name: str, content: bytes) -> None:
        (self.folder / folder).mkdir(exist_ok=True)
        new = self.folder / folder / f"{name}.new"
        new.write_bytes(content)
        new.rename(self.folder / folder / name)

    def behaves(self, behaviour: str, stdout: bytes = b"", stderr: bytes = b"") -> None:
        """Let it do this from now on: one of the behaviours that the stand-in's head tells of, "" for none."""
        (self.folder / "stdout").write_bytes(stdout)
        (self.folder / "stderr").write_bytes(stderr)
        new = self.folder / "behaviour.new"
        new.write_text(f"{behaviour}\n")
        new.rename(self.folder / "behaviour")

    @property
    def calls(self) -> list[list[str]]:
        """The words of each start so far."""
        return [line.split("\t")[1:] for line in self._calls()]

    @property
    def pids(self) -> list[int]:
        """The process of each start so far, then the grandchild of `hang-ignoring-term`."""
        grandchild = self.folder / "grandchild"
        more = [int(grandchild.read_text())] if grandchild.exists() else []
        return [int(line.split("\t")[0]) for line in self._calls()] + more

    @property
    def running(self) -> bool:
        """Whether any of them still runs. The dead that their new parent has not buried yet do not."""
        return any(map(_runs, self.pids))

    def _calls(self) -> list[str]:
        calls = self.folder / "calls"
        return calls.read_text().splitlines() if calls.exists() else []


def _runs(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state not in "ZX"
