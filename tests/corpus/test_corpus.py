"""Every genuine document becomes the samples that stand beside it; `--update-golden` writes them anew."""

from pathlib import Path

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics
from prometheus_client.parser import text_string_to_metric_families as text

from exporter import page
from exporter.exposition import Block
from exporter.metrics import GROUPS, backups, info
from exporter.model.info import Info
from exporter.pgbackrest.info import Decoder
from exporter.settings import Settings
from exporter.snapshot import Expectation, Reading, Reload, Snapshot
from exporter.table import Renderer
from tests.unit.rendering import rendered

HERE = Path(__file__).parent
CASES = sorted(HERE.glob("*/*.json"))
NOW = 1795400000.0  # a day after the documents were printed


def snapshot(document: bytes) -> Snapshot:
    decoder = Decoder()
    stanzas = tuple(filter(None, decoder.decode(document)))
    reading = Reading(
        value=Info(stanzas=stanzas, version="2.59.1", skipped=decoder.skipped),
        attempted=NOW,
        succeeded=NOW,
        took=0.1,
    )
    expected = Expectation(stanzas=("demo",))
    return Snapshot(settings=Settings(), expected=expected, reload=Reload(NOW), info={"": reading})


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.parent.name}-{case.stem}")
def test_a_genuine_document_becomes_its_golden_samples(case: Path, update_golden: bool) -> None:
    exposition = rendered(Renderer((*info.GROUPS, *backups.GROUPS)), snapshot(case.read_bytes()))
    body = b"".join(exposition.body("", gzip=False, now=NOW, own=lambda _: Block.of(b"")).pieces)
    samples = "".join(line for line in body.decode().splitlines(keepends=True) if not line.startswith("#"))
    golden = case.with_suffix(".prom")
    if update_golden:
        golden.write_text(samples)
    assert samples == golden.read_text()


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.parent.name}-{case.stem}")
def test_a_genuine_document_is_legal_in_both_formats_and_on_the_page(case: Path) -> None:
    known = snapshot(case.read_bytes())
    exposition = rendered(Renderer(GROUPS), known)
    for accept, parse in (("", text), ("application/openmetrics-text", openmetrics)):
        body = exposition.body(accept, gzip=False, now=NOW, own=lambda _: Block.of(b""))
        families = list(parse(b"".join(body.pieces).decode()))
        series = [
            (sample.name, tuple(sorted(sample.labels.items())))
            for family in families
            for sample in family.samples
        ]
        assert len(series) == len(set(series))
        assert all(family.documentation for family in families)
    assert "</html>" in page.render(known, now=NOW, telemetry_path="/metrics")


def test_no_entry_of_the_corpus_is_left_out() -> None:
    for case in CASES:
        decoder = Decoder()
        list(decoder.decode(case.read_bytes()))
        assert decoder.skipped == (), case
