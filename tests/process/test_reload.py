"""New settings while it runs, by SIGHUP and over HTTP; bad ones are refused and the old ones stay."""

import signal
import time
from html import unescape

from tests.process import proc
from tests.process.host import Host
from tests.process.running import Running
from tests.process.waiting import PATIENCE

BAD = "info: {evry: 5s, within: soon}\nthresholds: {backup: {warning: 3}}\n"
PROBLEMS = ("info.evry", "info.within", "thresholds.backup.warning")


def stanzas(exporter: Running) -> set[str]:
    return exporter.scrape().names("stanza_expected")


def test_sighup_puts_new_settings_in_force(host: Host, exporter: Running) -> None:
    before = exporter.value("exporter_config_reload_timestamp_seconds") or 0
    host.sets(stanzas={"other": {}}, thresholds={"backup": {"warning": "1h", "critical": "2h"}})
    exporter.gets(signal.SIGHUP)
    exporter.until(lambda: stanzas(exporter) == {"other"}, "the new settings")
    scrape = exporter.scrape()
    threshold = {"stanza": "demo", "repo": "1", "signal": "backup", "severity": "critical"}
    assert scrape.value("threshold_seconds", **threshold) == 7200
    assert scrape.value("stanza_ok", stanza="demo") == 1, "what is known stays known"
    assert scrape.value("stanza_ok", stanza="other") == 0
    assert scrape.value("exporter_config_reload_success") == 1
    assert (scrape.value("exporter_config_reload_timestamp_seconds") or 0) > before
    assert exporter.logged('msg="settings reloaded"')


def test_sighup_during_the_start_is_a_reload_and_not_the_end(host: Host) -> None:
    exporter = host.start()
    exporter.until(lambda: proc.blocks(exporter.pid, signal.SIGHUP), "the first lines of the program")
    exporter.gets(signal.SIGHUP)
    exporter.until(lambda: exporter.logged('msg="settings reloaded"'), "the reload")
    assert not proc.blocks(exporter.pid, signal.SIGHUP)
    exporter.until_ready()
    assert host.standin.calls


def test_bad_settings_are_refused_and_the_old_ones_stay(host: Host) -> None:
    host.sets(stanzas={"demo": {}})
    exporter = host.start().until_ready()
    host.writes("settings.yml", BAD)
    exporter.gets(signal.SIGHUP)
    exporter.until(lambda: exporter.value("exporter_config_reload_success") == 0, "the refusal")
    assert stanzas(exporter) == {"demo"}
    assert "The settings in force are older than their file" in exporter.page
    refusals = exporter.logged('level=error msg="settings refused"')
    assert sorted(key for line in refusals for key in PROBLEMS if key in line) == sorted(PROBLEMS)
    assert len(refusals) == len(PROBLEMS)
    runs = len(host.standin.calls)
    exporter.until(lambda: len(host.standin.calls) > runs, "it goes on reading")

    host.sets(stanzas={"demo": {}, "other": {}})
    exporter.gets(signal.SIGHUP)
    exporter.until(lambda: exporter.value("exporter_config_reload_success") == 1, "the mended settings")
    exporter.until(lambda: stanzas(exporter) == {"demo", "other"}, "the mended settings")
    assert "The settings in force are older than their file" not in exporter.page


def test_a_vanished_settings_file_is_refused_too(host: Host) -> None:
    host.sets(stanzas={"demo": {}})
    exporter = host.start().until_ready()
    host.settings.unlink()
    exporter.gets(signal.SIGHUP)
    exporter.until(lambda: exporter.value("exporter_config_reload_success") == 0, "the refusal")
    assert stanzas(exporter) == {"demo"}
    assert str(host.settings) in unescape(exporter.page)


def test_reloading_over_http_is_off_by_default(host: Host, exporter: Running) -> None:
    host.sets(stanzas={"other": {}})
    answer = exporter.get("/-/reload", method="POST")
    assert answer.status == 403
    assert "--web.enable-lifecycle" in answer.text
    assert stanzas(exporter) == set()


def test_reloading_over_http_can_be_allowed(host: Host) -> None:
    exporter = host.start("--web.enable-lifecycle").until_ready()
    host.sets(stanzas={"other": {}})
    assert exporter.get("/-/reload").status == 405
    assert exporter.get("/-/reload", method="POST").status == 200
    exporter.until(lambda: stanzas(exporter) == {"other"}, "the new settings")


def test_the_answer_to_a_refused_reload_names_every_problem(host: Host) -> None:
    host.sets(stanzas={"demo": {}})
    exporter = host.start("--web.enable-lifecycle").until_ready()
    host.writes("settings.yml", BAD)
    answer = exporter.get("/-/reload", method="POST")
    assert answer.status == 500
    assert [key for key in PROBLEMS if key in answer.text] == list(PROBLEMS)
    exporter.until(lambda: exporter.value("exporter_config_reload_success") == 0, "the refusal")
    assert stanzas(exporter) == {"demo"}


def test_new_settings_do_not_lose_what_a_failing_pgbackrest_told_before(host: Host) -> None:
    exporter = host.start()
    exporter.until(exporter.works, "a first good reading")
    host.standin.behaves("silent")
    exporter.until(lambda: exporter.fails(2), "two failures")
    host.sets(info={"every": "2s"})
    exporter.gets(signal.SIGHUP)
    exporter.until(lambda: exporter.logged("settings reloaded") and exporter.fails(3), "another failure")
    scrape = exporter.scrape()
    assert scrape.value("stanza_ok", stanza="demo") == 1
    assert scrape.value("exporter_collector_last_success_timestamp_seconds", collector="info", stanza="")
    assert len(exporter.logged("reading failed")) == 1, "the outcome has not changed"


def test_new_settings_do_not_make_old_values_young(host: Host) -> None:
    host.sets(info={"within": "3s", "stale_after": "3s"})
    exporter = host.start()
    exporter.until(exporter.works, "a first good reading")
    host.standin.behaves("silent")
    began = time.monotonic()
    while exporter.value("stanza_ok", stanza="demo") is not None:
        assert time.monotonic() - began < PATIENCE, "new settings time and again keep the values for ever"
        reload_and_read(host, exporter)
    assert time.monotonic() - began > 1


def reload_and_read(host: Host, exporter: Running) -> None:
    """Put settings in force that are not those from before, and wait for a reading under them."""
    runs = len(host.standin.calls)
    host.sets(info={"within": "3s", "stale_after": "3s", "per_backup": runs})
    exporter.gets(signal.SIGHUP)
    exporter.until(lambda: len(host.standin.calls) > runs, "the next reading")


def test_a_reload_in_the_middle_of_a_hung_reading_ends_that(host: Host) -> None:
    host.standin.behaves("hang-ignoring-term")
    exporter = host.start()
    exporter.until(lambda: len(host.others()) == 2, "it hangs")
    hung = set(host.others())
    host.standin.behaves("")
    host.sets(info={"within": "11s"})
    exporter.gets(signal.SIGHUP)
    exporter.until(exporter.works, "a good reading")
    exporter.until(lambda: not hung & set(host.alive), "the hung ones have ended")


def test_a_burst_of_signals_does_no_harm(host: Host, exporter: Running) -> None:
    host.sets(stanzas={"other": {}})
    for _ in range(200):
        exporter.gets(signal.SIGHUP)
    exporter.until(lambda: stanzas(exporter) == {"other"}, "the new settings")
    runs = len(host.standin.calls)
    exporter.until(lambda: len(host.standin.calls) > runs, "it goes on reading")
