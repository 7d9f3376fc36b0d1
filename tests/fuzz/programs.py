"""What pgBackRest prints, logs and is configured by."""

import json
from collections.abc import Sequence
from zlib import crc32

from exporter.model.info import Info
from exporter.model.runs import Runs
from exporter.pgbackrest import conf, here, invocation, lasterror, repositories
from exporter.pgbackrest.info import Decoder, MalformedError
from exporter.pgbackrest.listing import Listing, MalformedListingError
from exporter.pgbackrest.runlog import RunLog
from exporter.pgbackrest.words import failure
from exporter.programs.process import Completed
from exporter.runs.ledger import Ledger
from tests.fuzz.scratch import file
from tests.fuzz.shown import show, snapshot
from tests.fuzz.target import TESTS, Target, genuine

_LOGGED = ("backup", "backup", "verify", "archive-push-async")
_decoder = Decoder()


def _info(data: bytes) -> None:
    """Twice by one decoder: what it remembers of the document before must not spoil the next."""
    stanzas, again = (tuple(filter(None, decoder.decode(data))) for decoder in (Decoder(), _decoder))
    if repr(stanzas) != repr(again):
        raise AssertionError("another reading than that of a decoder which remembers nothing")
    show(snapshot(info=Info(stanzas=stanzas, version="2.59.1")))


def _listing(data: bytes) -> None:
    """In two pieces, as a pipe hands it over."""
    entries = 0

    def take(some: object) -> None:
        nonlocal entries
        entries += len(some)  # type: ignore[arg-type]

    listing = Listing(take)
    listing.take(data[: len(data) // 2])
    listing.take(data[len(data) // 2 :])
    listing.close()


def _log(data: bytes) -> None:
    """As the ledger enters it, which is written to the disk and read again."""
    ledger = Ledger()
    command = _LOGGED[crc32(data) % len(_LOGGED)]
    found = RunLog("demo", command).feed(data, now=2e9, otherwise=None, alive=lambda _: False)
    ledger.take("demo", found, count=True)
    again = Ledger.restored(json.loads(json.dumps(ledger.document())))
    if again.document() != ledger.document():
        raise AssertionError("not the same after a restart")
    show(snapshot(runs=runs(ledger)))


def runs(ledger: Ledger) -> Runs:
    """Return what the collector would tell of it."""
    return Runs(
        histories=ledger.sorted_histories(),
        verifications=tuple(ledger.verifications.values()),
        dropped=tuple(ledger.dropped.values()),
    )


def _words(data: bytes) -> None:
    """Whatever was printed becomes one line."""
    found = (
        lasterror.last_error(data),
        str(
            failure(
                "pgbackrest info", Completed(argv=("pgbackrest",), exit_code=55, stdout=data, stderr=data)
            )
        ),
    )
    if any("\n" in (words or "") for words in found):
        raise AssertionError(f"more than one line: {found}")


def _conf(data: bytes) -> None:
    """And everything that is taken out of it."""
    some = conf.read(str(file(data)), None, {})
    for stanza in some.stanzas:
        for tell in (here.local_server, here.other_host, here.spool, here.too_quiet, here.lowest_repository):
            tell(some, stanza)
        some.repository_types(stanza)
        for place in repositories.places(some, stanza):
            repositories.retention(some, stanza, place)
    here.logs(some, some.stanzas), here.locks(some), some.own_repositories


def _command(data: bytes) -> None:
    invocation.of_words(data.decode(errors="surrogateescape").split("\0"), {})


def _confs() -> Sequence[bytes]:
    deploy = genuine("deploy/patroni/*/pgbackrest.conf", below=TESTS.parent)()
    return [
        *deploy,
        (
            b"[global]\nrepo1-path=/srv/one\nrepo1-retention-full=2\nrepo2-type=s3\nrepo2-retention-archive-type=full\n"
            b"log-level-file=off\nlock-path=/run/lock\nspool-path=/spool\n[demo]\npg1-path=/pg\npg1-port=5433\n"
            b"pg1-socket-path=/run/pg\n[demo:archive-push]\nrepo1-host=backup\n"
        ),
    ]


def _commands() -> Sequence[bytes]:
    return [
        b"pgbackrest\0--stanza=main\0--type=full\0backup",
        b"sudo\0-n\0-u\0postgres\0pgbackrest\0--repo=2\0expire\0--stanza\0a",
    ]


TARGETS = {
    "info": Target(_info, genuine("*/*.json", 16 << 10), (MalformedError,)),
    "listing": Target(_listing, genuine("*/repo-ls/*.json", 16 << 10), (MalformedListingError,)),
    "log": Target(_log, genuine("*/logs/*.log", 16 << 10)),
    "words": Target(_words, genuine("*/errors/*.txt")),
    "conf": Target(_conf, _confs, (conf.ConfError,)),
    "command": Target(_command, _commands),
}
