"""Which stanzas must exist, and how each is asked for."""

import json
import signal
from collections.abc import Iterator

import pytest

from tests.process.conftest import CORPUS
from tests.process.host import Host
from tests.process.running import Running

OWN_CIPHER = """\
[global]
repo1-path=/var/lib/pgbackrest
[demo]
pg1-path=/pg/demo
[sealed]
pg1-path=/pg/sealed
repo1-cipher-type=aes-256-cbc
repo1-cipher-pass=not to be told
"""


@pytest.fixture(scope="module", autouse=True)
def watcher(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """An exporter under which pgbackrest.conf got a section; it looks every ten seconds, the others' tests go on."""
    host = Host(tmp_path_factory.mktemp("host"))
    try:
        host.writes("pgbackrest.conf", "[demo]\npg1-path=/pg/demo\n")
        host.standin.prints(document("demo"))
        host.standin.prints(document("sealed"), stanza="sealed")
        exporter = host.start().until_ready()
        assert exporter.scrape().names("stanza_expected") == {"demo"}
        host.writes("pgbackrest.conf", OWN_CIPHER)
        yield exporter
    finally:
        host.leave()


def document(stanza: str) -> bytes:
    """Let the healthy stanza of the corpus have another name."""
    (one,) = json.loads((CORPUS / "full_diff_incr.json").read_bytes())
    return json.dumps([one | {"name": stanza}]).encode()


def test_an_expected_stanza_that_is_not_listed_is_not_ok(host: Host) -> None:
    host.sets(stanzas={"demo": {}})
    host.standin.prints(b"[]")
    exporter = host.start().until_ready()
    scrape = exporter.scrape()
    assert scrape.value("exporter_collector_success", collector="info", stanza="") == 1
    assert scrape.value("stanza_expected", stanza="demo") == 1
    assert scrape.value("stanza_ok", stanza="demo") == 0
    assert scrape.value("stanza_status_code", stanza="demo") is None
    assert "pgBackRest does not list it: nothing is known of its backups." in exporter.page


def test_a_vanished_stanza_is_not_ok(host: Host) -> None:
    host.sets(stanzas={"demo": {}})
    exporter = host.start().until_ready()
    assert exporter.value("stanza_ok", stanza="demo") == 1
    host.standin.prints(b"[]")
    exporter.until(lambda: exporter.value("stanza_ok", stanza="demo") == 0, "its vanishing is told")
    assert exporter.scrape().names("backups") == set()


def test_a_stanza_with_a_cipher_of_its_own_is_asked_for_by_name(host: Host) -> None:
    host.writes("pgbackrest.conf", OWN_CIPHER)
    host.standin.prints(document("sealed"), stanza="sealed")
    exporter = host.start()
    exporter.until(lambda: exporter.works() and exporter.works("sealed"), "both readings")
    scrape = exporter.scrape()
    assert {name: scrape.value("stanza_ok", stanza=name) for name in ("demo", "sealed")} == {
        "demo": 1,
        "sealed": 1,
    }
    asked = {tuple(word for word in call if word.startswith("--stanza")) for call in host.standin.calls}
    assert asked == {(), ("--stanza=sealed",)}
    assert all(
        f"--config={host.folder}/pgbackrest.conf" in call for call in host.standin.calls if "info" in call
    )


def test_a_stanza_asked_for_by_name_fails_alone(host: Host) -> None:
    host.writes("pgbackrest.conf", OWN_CIPHER)
    host.standin.prints(document("sealed"), stanza="sealed")
    exporter = host.start()
    exporter.until(lambda: exporter.works() and exporter.works("sealed"), "both readings")
    host.standin.prints(b"no JSON", stanza="sealed")
    exporter.until(lambda: exporter.fails(2, "sealed"), "two failures of one")
    scrape = exporter.scrape()
    assert scrape.value("exporter_collector_errors_total", collector="info", stanza="") == 0
    assert {name: scrape.value("stanza_ok", stanza=name) for name in ("demo", "sealed")} == {
        "demo": 1,
        "sealed": 1,
    }
    assert len(exporter.logged("reading failed.*stanza=sealed")) == 1


def test_the_others_failing_leave_a_stanza_asked_for_by_name(host: Host) -> None:
    host.writes("pgbackrest.conf", OWN_CIPHER)
    host.standin.prints(document("sealed"), stanza="sealed")
    host.standin.prints(b"no JSON")
    exporter = host.start()
    exporter.until(lambda: exporter.works("sealed") and exporter.fails(), "one works and the others do not")
    scrape = exporter.scrape()
    assert scrape.value("stanza_ok", stanza="sealed") == 1
    assert scrape.value("stanza_ok", stanza="demo") is None, "nothing is known of it"
    assert scrape.names("stanza_expected") == {"demo", "sealed"}


def test_sighup_reads_pgbackrest_conf_too(host: Host) -> None:
    host.writes("pgbackrest.conf", "[demo]\npg1-path=/pg/demo\n")
    exporter = host.start().until_ready()
    host.writes("pgbackrest.conf", OWN_CIPHER)
    exporter.gets(signal.SIGHUP)
    exporter.until(lambda: exporter.scrape().names("stanza_expected") == {"demo", "sealed"}, "the new stanza")
    host.writes("pgbackrest.conf", "[demo]\npg1-path=/pg/demo\n")
    exporter.gets(signal.SIGHUP)
    exporter.until(lambda: exporter.scrape().names("stanza_expected") == {"demo"}, "the old state again")
    assert exporter.scrape().value("exporter_collector_enabled", collector="info", stanza="sealed") is None


def test_an_unreadable_pgbackrest_conf_takes_no_stanza_away(host: Host) -> None:
    host.writes("pgbackrest.conf", OWN_CIPHER)
    host.standin.prints(document("sealed"), stanza="sealed")
    exporter = host.start()
    exporter.until(lambda: exporter.works() and exporter.works("sealed"), "both readings")
    host.writes("pgbackrest.conf", "half of a li")
    exporter.gets(signal.SIGHUP)
    exporter.until(
        lambda: "pgbackrest.conf cannot be read. What it told before holds" in exporter.page,
        "the page tells of it",
    )
    scrape = exporter.scrape()
    assert scrape.names("stanza_expected") == {"demo", "sealed"}
    assert scrape.names("stanza_ok") == {"demo", "sealed"}
    host.writes("pgbackrest.conf", "[demo]\npg1-path=/pg/demo\n")
    exporter.gets(signal.SIGHUP)
    exporter.until(lambda: exporter.scrape().names("stanza_expected") == {"demo"}, "what is right again")


def test_an_excluded_stanza_is_neither_shown_nor_expected(host: Host) -> None:
    host.writes("pgbackrest.conf", OWN_CIPHER)
    host.sets(exclude=["sea*"])
    scrape = host.start().until_ready().scrape()
    assert scrape.names("stanza_expected") == scrape.names("stanza_ok") == {"demo"}
    assert not [call for call in host.standin.calls if "--stanza=sealed" in call]


def test_a_new_section_of_pgbackrest_conf_is_noticed(watcher: Running) -> None:
    watcher.until(lambda: watcher.value("stanza_ok", stanza="sealed") == 1, "the new stanza")
    assert watcher.scrape().names("stanza_expected") == {"demo", "sealed"}
    assert len(watcher.logged("pgbackrest.conf has changed")) == 1
