"""What a scrape says before pgBackRest has answered for the first time."""

from tests.process.host import Host


def test_the_first_scrape_is_answered_before_the_first_reading(host: Host) -> None:
    host.sets(stanzas={"demo": {}, "other": {}})
    gate = host.waits_for("gate")
    exporter = host.start()

    first = exporter.scrape()
    assert first.value("exporter_collector_success", collector="info", stanza="") == 0
    assert first.value("exporter_collector_enabled", collector="info", stanza="") == 1
    assert first.value("exporter_collector_errors_total", collector="info", stanza="") == 0
    assert first.value("exporter_collector_duration_seconds", collector="info", stanza="") is None
    assert first.value("exporter_config_reload_success") == 1
    assert first.names("stanza_expected") == {"demo", "other"}
    assert first.names("stanza_ok") == set(), "nothing is known yet"
    assert "has not been asked yet" in exporter.page

    gate.touch()
    exporter.until_ready()
    second = exporter.scrape()
    assert second.value("exporter_collector_success", collector="info", stanza="") == 1
    assert second.value("stanza_ok", stanza="demo") == 1
    assert second.value("stanza_ok", stanza="other") == 0


def test_it_is_healthy_at_once_and_ready_after_the_first_reading(host: Host) -> None:
    gate = host.waits_for("gate")
    exporter = host.start()
    assert exporter.get("/-/healthy").status == 200
    assert exporter.get("/-/ready").status == 503
    gate.touch()
    exporter.until(lambda: exporter.get("/-/ready").status == 200, "it is ready")


def test_a_first_reading_that_fails_makes_it_ready_too(host: Host) -> None:
    host.sets(stanzas={"demo": {}})
    host.standin.behaves("silent")
    exporter = host.start().until_ready()
    scrape = exporter.scrape()
    assert scrape.value("exporter_collector_success", collector="info", stanza="") == 0
    assert scrape.names("stanza_expected") == {"demo"}
    assert scrape.names("stanza_ok") == set(), "it is not known whether the stanza is well"
    assert "pgBackRest could not be asked" in exporter.page


def test_without_settings_it_watches_the_stanzas_of_pgbackrest_conf(host: Host) -> None:
    host.writes(
        "pgbackrest.conf", "[global]\nrepo1-path=/srv\n[demo]\npg1-path=/pg\n[later]\npg1-path=/pg2\n"
    )
    host.variables["PGBACKREST_CONFIG"] = str(host.folder / "pgbackrest.conf")
    host.writes("settings.yml", "")
    scrape = host.start().until_ready().scrape()
    assert scrape.names("stanza_expected") == {"demo", "later"}
    assert scrape.value("stanza_ok", stanza="later") == 0
