"""The exposition as it comes over HTTP: the same in every form, and always whole."""

import json
from typing import Any

from tests.process.conftest import CORPUS
from tests.process.host import Host
from tests.process.scrape import GZIP, OPENMETRICS

STANZAS = 3
BACKUPS = 8


def test_every_form_tells_the_same(host: Host) -> None:
    host.sets(stanzas={"demo": {}, "missing": {}}, info={"every": "1h"})
    exporter = host.start().until_ready()
    plain = exporter.get("/metrics")
    assert len(plain.facts()) > 50
    for headers in (GZIP, OPENMETRICS, GZIP | OPENMETRICS):
        answer = exporter.get("/metrics", headers=headers)
        assert answer.headers.get("Content-Encoding") == headers.get("Accept-Encoding")
        assert ("openmetrics" in answer.headers["Content-Type"]) == ("Accept" in headers)
        assert answer.facts() == plain.facts()
        assert {name for name, _ in answer.samples()} == {name for name, _ in plain.samples()}


def test_the_head_of_an_answer_is_that_of_the_whole(host: Host) -> None:
    host.sets(info={"every": "1h"})
    exporter = host.start().until_ready()
    head, whole = (exporter.get("/-/healthy", method=method) for method in ("HEAD", "GET"))
    assert head.body == b""
    assert head.headers["Content-Length"] == str(len(whole.body))
    assert exporter.get("/metrics", method="HEAD").body == b""


def version(number: int) -> bytes:
    """A document all of whose parts carry *number*: as the size of every backup, and in how many there are."""
    (model,) = json.loads((CORPUS / "full_diff_incr.json").read_bytes())
    return json.dumps(
        [model | {"name": f"stanza{one}", "backup": backups(model, number)} for one in range(STANZAS)]
    ).encode()


def backups(model: dict[str, Any], number: int) -> list[dict[str, Any]]:
    full = model["backup"][0]
    return [
        full | {"label": f"20261122-{one:06}F", "info": full["info"] | {"size": 1_000_000 + number}}
        for one in range(BACKUPS + number % 3)
    ]


def test_every_scrape_is_whole_while_the_document_changes(host: Host) -> None:
    """Each scrape is parsed, and shows one document and never parts of two."""
    number = 0
    host.standin.prints(version(number))
    exporter = host.start().until_ready()
    seen: list[int] = []
    while len(seen) < 100 or len(set(seen)) < 4:
        assert len(seen) < 3000, "the document changes and the scrapes do not"
        answer = exporter.get("/metrics", headers=(GZIP | OPENMETRICS, GZIP, OPENMETRICS, {})[len(seen) % 4])
        assert answer.status == 200
        assert answer.headers["Content-Length"] == str(len(answer.body))
        samples = answer.samples()
        sizes = [value for (name, _), value in samples.items() if name == "pgbackrest_backup_size_bytes"]
        (size,) = set(sizes)
        seen.append(round(size) - 1_000_000)
        assert len(sizes) == STANZAS * (BACKUPS + seen[-1] % 3)
        counts = {
            value
            for (name, labels), value in samples.items()
            if name == "pgbackrest_backups" and ("backup_type", "full") in labels
        }
        assert counts == {BACKUPS + seen[-1] % 3}
        if seen[-1] == number:
            number += 1
            host.standin.prints(version(number))
    assert seen == sorted(seen), "no scrape goes back to what was before"
    assert exporter.collector("errors_total") == 0
