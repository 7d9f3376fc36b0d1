"""The bench's client understands every framing that the measured servers use."""

import contextlib
import gzip
import itertools
import random
import socket
import threading
from collections.abc import Iterator

import pytest

from tests.bench.client import Address, BadAnswerError, Body, Connection, Lines

TEXT = b"".join(b'm{n="%d"} %d\n' % (number, number) for number in range(5000))


@contextlib.contextmanager
def answering(*answers: bytes) -> Iterator[Address]:
    """A server on one connection, that sends its answers cut into pieces at random."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            link, _ = listening.accept()
            chance = random.Random(1)
            with link:
                for answer in answers:
                    link.recv(65536)
                    at = 0
                    while at < len(answer):
                        size = chance.choice((1, 2, 3, 700, 50_000))
                        link.sendall(answer[at : at + size])
                        at += size

        thread = threading.Thread(target=serve)
        thread.start()
        yield listening.getsockname()
        thread.join()


def with_length(body: bytes) -> bytes:
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)


def chunked(body: bytes) -> bytes:
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    cuts = [*range(0, len(body), 4099), len(body)]
    chunks = (body[at:end] for at, end in itertools.pairwise(cuts))
    return head + b"".join(b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in chunks) + b"0\r\n\r\n"


def test_both_framings_are_drained_on_one_connection() -> None:
    with answering(*(framed for framed in (with_length(TEXT), chunked(TEXT)) for _ in range(2))) as address:
        connection = Connection(address, "/metrics")
        for _ in range(2):
            lines, body = Lines(), Body()
            assert connection.get(sink=lines).size == len(TEXT)
            assert connection.get(sink=body).size == len(TEXT)
            assert (lines.count, bytes(body.data)) == (5000, TEXT)
        connection.close()


def test_lines_of_a_compressed_body_of_several_members_are_counted() -> None:
    members = gzip.compress(TEXT) + gzip.compress(TEXT)
    with answering(chunked(members)) as address:
        connection, body = Connection(address, "/metrics"), Body()
        assert connection.get(compressed=True, sink=body).size == len(members)
        assert body.gunzipped_lines() == 10_000
        connection.close()


@pytest.mark.parametrize(
    "answer",
    [
        with_length(TEXT)[:-1],
        b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n\r\n",
    ],
)
def test_a_cut_or_refusing_answer_is_an_error(answer: bytes) -> None:
    with answering(answer) as address, pytest.raises(BadAnswerError):
        Connection(address, "/metrics").get()
