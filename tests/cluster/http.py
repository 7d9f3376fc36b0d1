"""Asks servers of the laboratory that speak JSON over HTTP: Patroni and etcd."""

import json
import urllib.error
import urllib.request
from collections.abc import Mapping
from typing import Any


def ask(url: str, *, method: str = "GET", body: Mapping[str, Any] | None = None, within: float = 5) -> Any:
    """The answer's JSON, or its text where it is none; OSError for a status of 400 or more, or no answer."""
    request = urllib.request.Request(url, method=method)
    if body is not None:
        request.data = json.dumps(body).encode()
        request.add_header("Content-Type", "application/json")
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=within) as answer:
            text = answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            words = error.read().decode(errors="replace")
        raise OSError(f"{method} {url}: {error.code} {words}") from None
    try:
        return json.loads(text)
    except ValueError:
        return text
