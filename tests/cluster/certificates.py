"""The certificates of the laboratory's hosts, all signed by one authority."""

from pathlib import Path

import trustme

from tests.lab.site import Site


class Certificates:
    """Each host gets one under its own name, good for localhost: pgBackRest 2.45 compares names, never addresses."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._authority = trustme.CA()

    def issue(self, host: str, folder: Path) -> None:
        """Write ca.crt, NAME.crt and NAME.key into a new folder."""
        self._site.own(folder)
        issued = self._authority.issue_cert(host, "localhost", common_name=host)
        chain = "".join(blob.bytes().decode() for blob in issued.cert_chain_pems)
        self._site.write(folder / "ca.crt", self._authority.cert_pem.bytes().decode())
        self._site.write(folder / f"{host}.crt", chain)
        self._site.write(folder / f"{host}.key", issued.private_key_pem.bytes().decode())
