from pathlib import Path

import pytest
from psycopg.conninfo import conninfo_to_dict

from exporter.pgbackrest import conf as pgbackrest_conf
from exporter.pgbackrest import here
from exporter.pgbackrest.conf import PgBackRestConf


def configured(folder: Path, text: str, environ: dict[str, str] | None = None) -> PgBackRestConf:
    file = folder / "pgbackrest.conf"
    file.write_text(text)
    return pgbackrest_conf.read(str(file), None, environ or {})


def test_the_local_server_is_found_as_pgbackrest_finds_it(tmp_path: Path) -> None:
    data = tmp_path / "data"
    conf = configured(
        tmp_path,
        f"[main]\npg1-path={data}\npg1-socket-path={tmp_path}\npg1-port=5433\npg1-user=o'neill\npg1-database=x y\n",
    )
    server = here.local_server(conf, "main")
    assert server is not None
    assert (server.data, server.socket) == (data, tmp_path / ".s.PGSQL.5433")
    assert conninfo_to_dict(server.conninfo) == {
        "host": str(tmp_path),
        "port": "5433",
        "user": "o'neill",
        "dbname": "x y",
    }
    assert not server.exists()
    data.mkdir()
    assert server.exists()


def test_logs_are_where_each_stanza_and_command_has_them(tmp_path: Path) -> None:
    conf = configured(
        tmp_path,
        "[global]\nlog-path=/a\n[main]\nlog-path=/b\n[main:expire]\nlog-path=/c\n"
        "[other]\n[global:archive-push]\nlog-path=/d\n",
    )
    assert here.logs(conf, ("main",)) == (Path("/b"), Path("/c"))
    assert here.logs(conf, ("main", "other")) == (Path("/b"), Path("/c"), Path("/a"), Path("/d"))
    assert here.logs(configured(tmp_path, ""), ()) == (Path("/var/log/pgbackrest"),)


def test_what_is_not_stated_is_left_to_libpq_but_for_the_place(tmp_path: Path) -> None:
    server = here.local_server(configured(tmp_path, "[main]\npg1-path=/srv/data\n"), "main")
    assert server is not None
    parts = conninfo_to_dict(server.conninfo)
    assert parts.keys() == {"host", "port"}
    assert server.socket == Path(str(parts["host"]), ".s.PGSQL.5432")


def test_a_server_on_another_host_is_not_here(tmp_path: Path) -> None:
    conf = configured(
        tmp_path, "[main]\npg1-path=/srv/data\npg1-host=pg1\npg2-path=/srv/data\npg2-host=pg2\n"
    )
    assert here.local_server(conf, "main") is None
    assert here.other_host(conf, "main") == "pg1"


def test_beside_other_hosts_the_one_that_is_here_counts(tmp_path: Path) -> None:
    conf = configured(tmp_path, "[main]\npg1-host=pg1\npg1-path=/srv/a\npg2-path=/srv/b\n")
    server = here.local_server(conf, "main")
    assert server is not None
    assert server.data == Path("/srv/b")


@pytest.mark.parametrize(
    ("text", "environ", "expected"),
    [
        ("[main]\n", {}, "/var/spool/pgbackrest"),
        ("[global]\nspool-path=/a\n", {}, "/a"),
        ("[global]\nspool-path=/a\n[global:archive-push]\nspool-path=/b\n", {}, "/b"),
        ("[global:archive-push]\nspool-path=/b\n[main]\nspool-path=/c\n", {}, "/c"),
        ("[main]\nspool-path=/c\n[main:archive-push]\nspool-path=/d\n", {}, "/d"),
        ("[main]\nspool-path=/c\n[main:archive-get]\nspool-path=/d\n", {}, "/c"),
        ("[main]\nspool-path=/c\n", {"PGBACKREST_SPOOL_PATH": "/e"}, "/e"),
    ],
)
def test_the_spool_is_where_archive_push_has_it(
    tmp_path: Path, text: str, environ: dict[str, str], expected: str
) -> None:
    assert here.spool(configured(tmp_path, text, environ), "main") == Path(expected, "archive/main/out")
