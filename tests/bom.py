"""What an image is made of: `python -m tests.bom ROOT FILE` prints the packages below ROOT and writes a CycloneDX list.

Debian's packages are read from dpkg's books (status.d: what was unpacked beside them), Python's from their metadata.
"""

import sys
from collections.abc import Iterator
from email.message import Message
from email.parser import HeaderParser
from importlib.metadata import distributions
from pathlib import Path

from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.output.json import JsonV1Dot6
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from packageurl import PackageURL


def debian(root: Path) -> Iterator[Component]:
    for each in paragraphs(root / "var" / "lib" / "dpkg"):
        if each["Status"] in {None, "install ok installed"}:
            yield component(
                "deb", each["Package"], each["Version"], namespace="debian", arch=each["Architecture"]
            )


def paragraphs(books: Path) -> Iterator[Message]:
    text = (books / "status").read_text()
    for file in sorted(books.glob("status.d/*")):
        text += f"\n{file.read_text()}"
    for paragraph in filter(str.strip, text.split("\n\n")):
        yield HeaderParser().parsestr(paragraph.lstrip("\n"))


def python(root: Path) -> Iterator[Component]:
    for folder in sorted((root / "opt" / "pgbackrest-exporter").glob("lib/python3.*/site-packages")):
        for each in distributions(path=[str(folder)]):
            yield component("pypi", each.name.lower(), each.version)


def component(
    kind: str, name: str, version: str, *, namespace: str | None = None, arch: str = ""
) -> Component:
    where = PackageURL(kind, namespace, name, version, {"arch": arch} if arch else None)
    return Component(
        type=ComponentType.LIBRARY, name=name, version=version, purl=where, bom_ref=where.to_string()
    )


def main(root: str, file: str) -> int:
    """Return 1 if what was written is not what CycloneDX wants."""
    found = sorted([*debian(Path(root)), *python(Path(root))], key=lambda each: str(each.purl))
    text = JsonV1Dot6(Bom(components=found)).output_as_string(indent=1)
    Path(file).write_text(text)
    for each in found:
        print(f"      {each.purl}")
    wrong = JsonStrictValidator(SchemaVersion.V1_6).validate_str(text)
    print(f"      {len(found)} packages: {file}" if wrong is None else wrong)
    return wrong is not None


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
