"""pgBackRest's commands fail, backups hold damaged pages, a restore test does not prove one."""

from tests.cluster import backups
from tests.cluster.condition import equals, everywhere, grows
from tests.cluster.damage import damage_page
from tests.cluster.healing import anew
from tests.cluster.health import ARCHIVING
from tests.cluster.proving import TOO_MANY, restore_test
from tests.cluster.scene import Props, Scene, shows


def _finish_long_backup(props: Props) -> None:
    if props.running:
        backups.thaw(props.running)
    backups.again(props.cluster, "full")


def _fail_expire(props: Props) -> None:
    folder = props.cluster.repository.repo1 / "backup" / "main"
    folder.chmod(0o500)
    backups.fails(props.cluster, "--repo1-retention-full=1", "--repo=1", "expire", code=104)


def _let_expire(props: Props) -> None:
    (props.cluster.repository.repo1 / "backup" / "main").chmod(0o750)
    props.cluster.repository.pgbackrest("--repo1-retention-full=1", "--repo=1", "expire")


def _damage_page(props: Props) -> None:
    props.damaged = damage_page(props.cluster)
    backups.again(props.cluster, "full")


def _mend_page(props: Props) -> None:
    for file, content in props.damaged:
        file.write_bytes(content)
    anew(props, 1)


def _prove(props: Props) -> None:
    restore_test(props.cluster, props.settings, "immediate", code=0)


COMMANDS = (
    Scene(
        name="a backup meets the lock of another",
        act=lambda props: backups.fails(props.cluster, "--type=full", "--repo=1", "backup", code=50),
        shows=shows(
            10,
            grows("runs_total", command="backup", result="failure"),
            equals("run_last_exit_code", 50, command="backup", backup_type="full"),
        ),
        upsets=frozenset({"runs"}),
        heal=_finish_long_backup,
        clears=shows(
            10,
            equals("run_last_exit_code", 0, command="backup", backup_type="full"),
            everywhere("stanza_lock_held", 0, command="backup"),
        ),
    ),
    Scene(
        name="a backup is killed",
        act=lambda props: backups.killed(props.cluster),
        shows=(
            *shows(20, grows("runs_total", command="backup", result="killed")),
            *shows(20, equals("repo_orphans", 1, repo="1")),
        ),
        upsets=frozenset({"runs", "orphans"}),
        heal=lambda props: backups.again(props.cluster),
        clears=shows(15, everywhere("repo_orphans", 0)),
    ),
    Scene(
        name="expire fails",
        act=_fail_expire,
        shows=shows(
            10,
            grows("runs_total", command="expire", result="failure"),
            equals("run_last_exit_code", 104, command="expire"),
        ),
        upsets=frozenset({"runs"}),
        heal=_let_expire,
        clears=shows(10, everywhere("run_last_exit_code", 0, command="expire")),
    ),
    Scene(
        name="a stop file",
        act=lambda props: props.cluster.repository.pgbackrest("stop"),
        shows=shows(10, equals("stanza_stopped", 1)),
        upsets=frozenset({"stopped"}) | ARCHIVING,
        heal=lambda props: (props.cluster.repository.pgbackrest("start"), props.cluster.switch_wal()),
        clears=shows(10, equals("stanza_stopped", 0)),
    ),
    Scene(
        name="a damaged page",
        act=_damage_page,
        shows=shows(15, equals("backup_last_error", 1, repo="1", backup_type="full")),
        upsets=frozenset({"pages"}),
        heal=_mend_page,
        clears=shows(15, everywhere("backup_last_error", 0), everywhere("backups_with_errors", 0)),
    ),
    Scene(
        name="a restore test fails",
        act=lambda props: restore_test(
            props.cluster, props.settings, "immediate", code=1, queries=[TOO_MANY]
        ),
        shows=shows(10, equals("restore_test_success", 0, target="immediate")),
        heal=_prove,
        clears=shows(10, equals("restore_test_success", 1, target="immediate")),
    ),
)
