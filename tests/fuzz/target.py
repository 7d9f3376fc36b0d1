"""What is fuzzed: a reader of foreign bytes, genuine bytes to begin with, and the errors that it may raise."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
CORPUS = TESTS / "corpus"


@dataclass(frozen=True, slots=True)
class Target:
    """*read* takes any bytes: it returns, or raises one of *refuses*, whose words are one line each."""

    read: Callable[[bytes], object]
    seeds: Callable[[], Sequence[bytes]]
    refuses: tuple[type[Exception], ...] = ()

    def try_(self, data: bytes) -> None:
        """Read it; anything else that comes of it is a bug."""
        try:
            self.read(data)
        except self.refuses as error:
            if "\n" in str(error).strip():
                raise AssertionError(f"more than one line: {error}") from error


def genuine(pattern: str, most: int = 64 << 10, below: Path = CORPUS) -> Callable[[], list[bytes]]:
    """Give the content of every file of that name which is not too long to be mutated fast, each content once."""

    def seeds() -> list[bytes]:
        contents = (path.read_bytes() for path in sorted(below.glob(pattern)))
        return sorted({content for content in contents if len(content) <= most})

    return seeds
