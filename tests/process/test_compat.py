"""The compatible form over HTTP."""

import pytest

from tests.process.host import ANYWHERE, Host


def test_both_forms_are_served_of_the_same_facts(host: Host) -> None:
    exporter = host.start("--web.compat-path=/compat/metrics").until_ready()
    exporter.until(lambda: exporter.get("/compat/metrics").value("stanza_status", stanza="demo") == 0, "it")
    assert exporter.get("/compat/metrics").value("exporter_status", stanza="all-stanzas") == 1
    assert exporter.value("stanza_ok", stanza="demo") == 1
    assert exporter.value("stanza_status", stanza="demo") is None


def test_without_the_flag_it_is_nowhere(host: Host) -> None:
    assert host.start().until_ready().get("/compat/metrics").status == 404


@pytest.mark.parametrize("path", ["compat", "/metrics", "/-/healthy"])
def test_a_path_that_cannot_be_is_one_line(host: Host, path: str) -> None:
    done = host.run(f"--config.file={host.settings}", ANYWHERE, f"--web.compat-path={path}")
    assert done.code == 2
    assert len(done.complaints) == 1
    assert f"--web.compat-path={path}" in done.complaints[0]
