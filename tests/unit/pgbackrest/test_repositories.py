from pathlib import Path

import pytest

from exporter.model.repository import Retention
from exporter.pgbackrest.conf import PgBackRestConf, read
from exporter.pgbackrest.repositories import Place, places, retention


def conf(folder: Path, text: str) -> PgBackRestConf:
    file = folder / "pgbackrest.conf"
    file.write_text(text)
    return read(str(file), None, {})


def test_only_a_repository_on_this_disk_has_a_path(tmp_path: Path) -> None:
    found = conf(
        tmp_path,
        "[global]\nrepo1-path=/srv/one\nrepo2-type=s3\nrepo2-path=/two\nrepo3-host=other\nrepo4-type=cifs\n"
        "repo5-host=other\nrepo5-type=posix\n[demo]\npg1-path=/pg\n",
    )
    assert places(found, "demo") == (
        Place(repo=1, path="/srv/one"),
        Place(repo=2),
        Place(repo=3),
        Place(repo=4, path="/var/lib/pgbackrest"),
        Place(repo=5),
    )


def test_without_any_repository_there_is_the_first_at_its_default_place(tmp_path: Path) -> None:
    found = conf(tmp_path, "[demo]\npg1-path=/pg\n")
    assert places(found, "demo") == (Place(repo=1, path="/var/lib/pgbackrest"),)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ("", Retention()),
        ("repo1-retention-full=2\n", Retention()),
        ("repo1-retention-archive=3\n", Retention(archive=3)),
        ("repo1-retention-archive=3\nrepo1-retention-archive-type=incr\n", Retention(archive=3, type="incr")),
        ("repo1-retention-archive-type=diff\nrepo1-retention-diff=4\n", Retention(archive=4, type="diff")),
        ("retention-archive=5\n", Retention(archive=5)),
        ("repo1-retention-archive=many\n", Retention()),
    ],
)
def test_archive_retention_is_what_expire_goes_by(tmp_path: Path, options: str, expected: Retention) -> None:
    found = conf(tmp_path, f"[global]\n{options}[demo]\npg1-path=/pg\n")
    assert retention(found, "demo", Place(repo=1, path="/var/lib/pgbackrest")) == expected


def test_the_section_of_expire_goes_before_the_stanzas(tmp_path: Path) -> None:
    found = conf(tmp_path, "[demo]\nrepo1-retention-archive=3\n[demo:expire]\nrepo1-retention-archive=1\n")
    assert retention(found, "demo", Place(repo=1, path="/srv")) == Retention(archive=1)


def test_of_a_repository_elsewhere_it_is_unknown_unless_something_is_said_here(tmp_path: Path) -> None:
    silent = conf(tmp_path, "[global]\nrepo1-type=s3\n[demo]\npg1-path=/pg\n")
    assert retention(silent, "demo", Place(repo=1)) is None
    told = conf(tmp_path, "[global]\nrepo1-type=s3\nrepo1-retention-full=2\n[demo]\npg1-path=/pg\n")
    assert retention(told, "demo", Place(repo=1)) == Retention()
