from pathlib import Path

import pytest

from exporter import jsonfile


def test_what_is_written_is_read(tmp_path: Path) -> None:
    document = {"a": [1, 2.5, None, "ü"], "b": {}}
    jsonfile.write(tmp_path / "file", document)
    assert jsonfile.read(tmp_path / "file") == document


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e400", "-1e999"])
def test_what_could_not_be_written_again_is_not_read(tmp_path: Path, number: str) -> None:
    (tmp_path / "file").write_text(f'{{"at": {number}}}')
    with pytest.raises(ValueError, match="is no number"):
        jsonfile.read(tmp_path / "file")
