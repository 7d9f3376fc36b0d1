"""`with Lab() as lab:` gives real stanzas over two repositories, and leaves nothing behind."""

import secrets
from collections.abc import Mapping
from pathlib import Path

from tests.lab.postgresql import PostgreSQL
from tests.lab.site import Site
from tests.lab.stanza import Stanza


class Lab(Site):
    """Two repositories, the second encrypted, and any number of stanzas in one temporary folder.

    Its pgbackrest.conf is readable by the account alone: the passphrase of repository 2 stands in it.
    """

    def __init__(self) -> None:
        super().__init__()
        self._sections: dict[str, Mapping[str, str]] = {}

    def repository(self, number: int) -> Path:
        """The folder of repository 1 or 2."""
        return self.path / "server" / f"repo{number}"

    def stanza(
        self, name: str, options: Mapping[str, str] | None = None, *, programs: Path | None = None
    ) -> Stanza:
        """A new cluster and its stanza in both repositories; `options` go to its section of the file."""
        stanza = self.cluster(name, options, programs=programs)
        stanza.pgbackrest("stanza-create")
        return stanza

    def cluster(
        self, name: str, options: Mapping[str, str] | None = None, *, programs: Path | None = None
    ) -> Stanza:
        """The same without stanza-create: PostgreSQL runs, archiving fails."""
        cluster = PostgreSQL(self.path / f"postgresql-{name}", self.as_account, programs)
        self.own(cluster.data.parent)
        stanza = Stanza(name, cluster, self.pgbackrest)
        self._sections[name] = stanza.section | dict(options or {})
        self._configure()
        # Not the wrapper: the server has no right to change its account.
        cluster.create(f"{self.program} --config={self.config} --stanza={name} archive-push %p")
        return stanza

    def pgbackrest(self, *arguments: str) -> str:
        """Standard output of pgBackRest; LabError with its own words when it fails."""
        quiet = ("--log-level-console=off", "--log-level-stderr=error")
        return self.as_account(self.program, f"--config={self.config}", *quiet, *arguments)

    def furnish(self) -> None:
        """Make the configuration of both repositories."""
        self.own(self.path / "server")
        self.own(self.path / "server" / "log")  # pgBackRest does not make it
        self._sections["global"] = {
            "repo1-path": str(self.repository(1)),
            "repo1-retention-full": "2",
            "repo2-path": str(self.repository(2)),
            "repo2-retention-full": "2",
            "repo2-cipher-type": "aes-256-cbc",
            "repo2-cipher-pass": secrets.token_urlsafe(32),
            "log-path": str(self.path / "server" / "log"),
            "lock-path": str(self.path / "server" / "lock"),
            "spool-path": str(self.path / "server" / "spool"),
            "log-level-file": "detail",
            "compress-level": "1",
            "start-fast": "y",
        }
        self._configure()

    def _configure(self) -> None:
        text = "\n".join(
            f"[{name}]\n" + "".join(f"{key}={value}\n" for key, value in options.items())
            for name, options in self._sections.items()
        )
        self.write(self.config, text)
