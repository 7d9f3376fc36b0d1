"""Says which Python packages lie in a folder, under which licences, and where the words are: for the copyright file."""

import sys
from importlib.metadata import Distribution, distributions


def licence(distribution: Distribution) -> str:
    """Return what the package says of itself; the words are in its files."""
    known = distribution.metadata
    stated = known.get("License-Expression") or known.get("License") or ""
    if stated and "\n" not in stated:
        return stated
    classes = [
        line.rpartition(" :: ")[2]
        for line in known.get_all("Classifier", [])
        if line.startswith("License ::")
    ]
    return ", ".join(classes) or "see there"


def main(folder: str, place: str) -> None:
    """Write a paragraph for each package."""
    for each in sorted(distributions(path=[folder]), key=lambda each: each.name.lower()):
        if each.name != "pgbackrest-exporter":
            sys.stdout.write(f"\n{each.name} {each.version}: {licence(each)}\n")
            for file in each.files or ():
                if file.name.upper().startswith(("LICEN", "COPYING", "NOTICE", "AUTHORS")):
                    sys.stdout.write(f"    {place}/{file}\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
