"""`collect`: one reading, one file."""

from prometheus_client.parser import text_string_to_metric_families

from tests.process.host import Host


def samples(text: str) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    return {
        (sample.name, tuple(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_the_metrics_are_printed(host: Host) -> None:
    done = host.run("collect", f"--config.file={host.settings}")
    assert (done.code, done.stderr) == (0, "")
    found = samples(done.stdout)
    assert found["pgbackrest_stanza_ok", (("stanza", "demo"),)] == 1
    assert any(name == "pgbackrest_backup_age_seconds" for name, _ in found)


def test_a_file_is_replaced_whole(host: Host) -> None:
    file = host.folder / "pgbackrest.prom"
    file.write_text("half of a file that was")
    done = host.run("collect", f"--config.file={host.settings}", f"--textfile={file}")
    assert (done.code, done.stdout, done.stderr) == (0, "", "")
    assert samples(file.read_text())["pgbackrest_stanza_ok", (("stanza", "demo"),)] == 1
    assert file.stat().st_mode & 0o777 == 0o644
    assert [one.name for one in host.folder.glob(".pgbackrest.prom*")] == []


def test_a_source_that_fails_is_told_by_the_exit_code_and_in_the_file(host: Host) -> None:
    host.program.unlink()
    file = host.folder / "pgbackrest.prom"
    done = host.run("collect", f"--config.file={host.settings}", f"--textfile={file}")
    assert done.code == 1
    key = "pgbackrest_exporter_collector_success", (("collector", "info"), ("stanza", ""))
    assert samples(file.read_text())[key] == 0


def test_a_folder_that_is_not_there_is_one_line(host: Host) -> None:
    file = host.folder / "gone" / "pgbackrest.prom"
    done = host.run("collect", f"--config.file={host.settings}", f"--textfile={file}")
    assert done.code == 3
    assert done.complaints == [
        f"pgbackrest-exporter collect: {file}: No such file or directory: nothing was written"
    ]


def test_bad_settings_are_told_line_by_line(host: Host) -> None:
    file = host.writes("bad.yml", "info: {evry: 5s}\n")
    done = host.run("collect", f"--config.file={file}")
    assert done.code == 2
    assert done.stdout == ""
    assert "info.evry" in done.stderr
