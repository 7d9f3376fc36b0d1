import gzip
import math
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.exposition import generate_latest
from prometheus_client.openmetrics.exposition import generate_latest as generate_openmetrics
from prometheus_client.parser import text_string_to_metric_families

from exporter.exposition import Block, Exposition, Family, Format, Writer, labels, negotiate, number, samples

NOTHING = Block.of(b"")
PROMETHEUS_2 = (
    "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,"
    "text/plain;version=0.0.4;q=0.5,*/*;q=0.1"
)
PROMETHEUS_3 = (
    "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,"
    "application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.3,"
    "text/plain;version=0.0.4;q=0.2,*/*;q=0.1"
)


def own(_: Format) -> Block:
    return NOTHING


def body(exposition: Exposition, accept: str = "", *, compressed: bool = False, now: float = 0.0) -> bytes:
    answer = exposition.body(accept, gzip=compressed, now=now, own=own)
    data = b"".join(answer.pieces)
    assert len(data) == answer.length
    return data


def test_it_says_what_prometheus_client_would_say() -> None:
    help_ = 'Odd: back\\slash, "quotes"\nand a line.'
    values = {'sim"ple': 1.5, "back\\slash": 3.0, "new\nline": -2.0}
    gauge = GaugeMetricFamily("a_gauge", help_, labels=["name"])
    counter = CounterMetricFamily("a_counter", help_, labels=["name"])
    writer = Writer()
    for kind, family in (("gauge", gauge), ("counter", counter)):
        name = "a_gauge" if kind == "gauge" else "a_counter_total"
        for label, value in values.items():
            family.add_metric([label], value)
        lines = "".join(
            f"{name}{labels(('name',), (label,))} {number(value)}\n" for label, value in values.items()
        )
        writer.add(Family(name, kind, help_), [samples(lines)])  # type: ignore[arg-type]

    class Both:
        def collect(self) -> list[GaugeMetricFamily | CounterMetricFamily]:
            return [gauge, counter]

    registry = CollectorRegistry()
    registry.register(Both())
    exposition = Exposition(writer.blocks())
    assert body(exposition) == generate_latest(registry)
    assert body(exposition, PROMETHEUS_2) == generate_openmetrics(registry)


@given(st.text(), st.floats(allow_nan=False))
def test_any_label_and_value_is_read_back_as_it_was(label: str, value: float) -> None:
    line = f"m{labels(('l',), (label,))} {number(value)}\n"
    family = next(iter(text_string_to_metric_families("# TYPE m gauge\n" + line)))
    assert family.samples[0].value == value
    if not set(label) & set("\r\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029"):  # where its reader splits lines
        assert family.samples[0].labels == {"l": label}


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (1, "1"),
        (True, "1"),
        (0.25, "0.25"),
        (1e300, "1e+300"),
        (math.inf, "+Inf"),
        (-math.inf, "-Inf"),
        (math.nan, "NaN"),
    ],
)
def test_numbers_are_written_as_both_formats_read_them(value: float, written: str) -> None:
    assert number(value) == written


def test_a_label_too_many_is_an_error_and_not_a_lost_label() -> None:
    with pytest.raises(ValueError, match="zip"):
        labels(("a",), ("1", "2"))


@pytest.mark.parametrize("size", [1, 1000, 20_000, 600_000])
def test_the_compressed_body_is_one_ordinary_gzip_member(size: int) -> None:
    writer = Writer()
    for index in range(5):
        lines = "".join(f'm{index}{{n="{n}"}} {n * 7919}\n' for n in range(size // 20 + 1))
        writer.add(Family(f"m{index}", "gauge", "help"), [samples(lines), samples(lines)])
    exposition = Exposition(writer.blocks(), [(Family("age", "gauge", "help"), (("age", 5.0),))])
    for accept in ("", PROMETHEUS_3):
        compressed = body(exposition, accept, compressed=True, now=7.0)
        reader = zlib.decompressobj(31)
        plain = reader.decompress(compressed)
        assert reader.eof
        assert reader.unused_data == b""
        assert plain == body(exposition, accept, now=7.0) == gzip.decompress(compressed)


def test_a_per_cent_sign_in_a_label_is_no_placeholder() -> None:
    exposition = Exposition({}, [(Family("age", "gauge", "100 %d"), (('age{s="%s%%d"}', 1.0),))])
    assert body(exposition, now=2.0).splitlines()[2:] == [b'age{s="%s%%d"} 1']


def test_ages_are_made_at_the_scrape_and_never_negative() -> None:
    exposition = Exposition(
        {}, [(Family("age", "gauge", "help"), (('age{s="a"}', 100.0), ('age{s="b"}', 300.0)))]
    )
    assert body(exposition, now=250.0).splitlines()[2:] == [b'age{s="a"} 150', b'age{s="b"} 0']


def test_a_family_without_samples_is_left_out() -> None:
    writer = Writer()
    writer.add(Family("none", "gauge", "help"), [b""])
    assert body(Exposition(writer.blocks(), [(Family("age", "gauge", "help"), ())])) == b""


@pytest.mark.parametrize(
    ("accept", "content_type"),
    [
        ("", "text/plain; version=0.0.4; charset=utf-8"),
        ("*/*", "text/plain; version=0.0.4; charset=utf-8"),
        ("text/html,application/xhtml+xml,*/*;q=0.8", "text/plain; version=0.0.4; charset=utf-8"),
        ("application/json", "text/plain; version=0.0.4; charset=utf-8"),
        (PROMETHEUS_2, "application/openmetrics-text; version=1.0.0; charset=utf-8"),
        (PROMETHEUS_3, "application/openmetrics-text; version=1.0.0; charset=utf-8; escaping=allow-utf-8"),
        (
            "text/plain;version=0.0.4;q=0.9,application/openmetrics-text;version=1.0.0;q=0.1",
            "text/plain; version=0.0.4; charset=utf-8",
        ),
        ("application/openmetrics-text;version=2.0.0", "text/plain; version=0.0.4; charset=utf-8"),
        ("application/openmetrics-text;q=0", "text/plain; version=0.0.4; charset=utf-8"),
        ("text/plain;version=1.0.0;escaping=<script>", "text/plain; version=1.0.0; charset=utf-8"),
        ("application/openmetrics-text;q=nonsense", "text/plain; version=0.0.4; charset=utf-8"),
        (
            "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited,text/plain;q=0.5",
            "text/plain; version=0.0.4; charset=utf-8",
        ),
    ],
)
def test_the_format_is_negotiated_as_prometheus_asks_for_it(accept: str, content_type: str) -> None:
    assert negotiate(accept)[1] == content_type
