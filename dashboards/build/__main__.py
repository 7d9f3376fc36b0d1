"""Writes every board into the folder above this package."""

from pathlib import Path

from dashboards.build.write import documents


def main() -> None:
    """Write the files."""
    folder = Path(__file__).parents[1]
    for name, text in documents().items():
        (folder / name).write_text(text)


main()
