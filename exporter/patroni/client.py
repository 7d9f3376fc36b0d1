"""How Patroni's REST API is asked: one GET, an answer of bounded size, and one line when it fails."""

import asyncio
import contextlib
import os
import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import aiohttp

from exporter.human import line
from exporter.patroni.access import Keys

_LARGEST = 1 << 20
"""Bytes of an answer: a cluster takes some hundred for each member."""

_REMEDIES = {
    401: "set patroni.username and patroni.password_file",
    403: "what stands before Patroni does not let this host in",
    404: "is that the port of Patroni's REST API?",
}


class PatroniError(Exception):
    """Patroni gave no answer that can be used. The message is one line, and shows no secret."""


class SilentError(PatroniError):
    """It took the connection and gave no answer: so does Patroni itself while its store is out of reach."""


@dataclass(frozen=True, slots=True)
class Client:
    """Asks one member after the other, with the same keys."""

    _session: aiohttp.ClientSession
    _keys: Keys = field(repr=False)

    async def get(self, url: str, path: str, within: float) -> bytes:
        """Return the body of `GET url/path`; raises PatroniError."""
        try:
            async with asyncio.timeout(within):
                return await self._get(url + path)
        except TimeoutError:
            raise SilentError("gives no answer in time") from None
        except aiohttp.ServerDisconnectedError:
            asked = url.startswith("https:") and not self._keys.certified
            remedy = ": if it asks for a certificate, name one in patroni.cert_file" if asked else ""
            raise SilentError(f"closed the connection without an answer{remedy}") from None
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise PatroniError(_words(error)) from None

    async def _get(self, address: str) -> bytes:
        # A redirect could lead anywhere, and would take the password there.
        context = self._keys.context or True
        async with self._session.get(address, ssl=context, allow_redirects=False) as response:
            if response.status != 200:
                raise PatroniError(_refusal(response.status))
            body = bytearray()
            async for chunk in response.content.iter_any():
                body += chunk
                if len(body) > _LARGEST:
                    raise PatroniError(f"answers more than {_LARGEST >> 20} MiB: that is not Patroni")
            return bytes(body)


@contextlib.asynccontextmanager
async def session(keys: Keys) -> AsyncIterator[Client]:
    """Give a client for one reading; no connection is kept, since Patroni keeps none (HTTP/1.0)."""
    headers = {"Accept": "application/json", "Accept-Encoding": "identity"}
    if keys.username:
        headers["Authorization"] = aiohttp.encode_basic_auth(keys.username, keys.password)
    async with aiohttp.ClientSession(
        headers=headers,
        auto_decompress=False,  # so that a small answer cannot become a large one
        connector=aiohttp.TCPConnector(force_close=True),
        cookie_jar=aiohttp.DummyCookieJar(),
        timeout=aiohttp.ClientTimeout(total=None),
    ) as opened:
        yield Client(opened, keys)


def _refusal(status: int) -> str:
    if 300 <= status < 400:
        return f"redirects elsewhere (HTTP {status}): name Patroni's own address"
    remedy = _REMEDIES.get(status)
    return f"answers HTTP {status}" + (f": {remedy}" if remedy else "")


def _words(error: Exception) -> str:
    """Tell what is wrong, in the words of who found it: a certificate, TLS, the network, HTTP."""
    cause = error.os_error if isinstance(error, aiohttp.ClientConnectorError) else error
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        cause = error.certificate_error
    if isinstance(cause, ssl.SSLCertVerificationError):
        reason = line(cause.verify_message)
        return f"shows a certificate that is not trusted ({reason}): name its authority in patroni.ca_file"
    if isinstance(cause, ssl.SSLError):
        reason = (cause.reason or "no reason given").replace("_", " ").lower()
        return f"does not agree on TLS ({reason}): http where https is meant, or a missing patroni.cert_file?"
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return f"has a name that cannot be resolved ({line(error.os_error.strerror or str(error))})"
    if isinstance(cause, OSError):
        # asyncio's words for it hold the address once more.
        return f"cannot be reached: {os.strerror(cause.errno) if cause.errno else line(str(cause))}"
    if isinstance(error, aiohttp.ClientPayloadError):
        return "broke off amid its answer"
    return "does not speak HTTP: is that the port of Patroni's REST API?"
