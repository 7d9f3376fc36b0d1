"""A small filesystem for repository 1, so that it can be filled to the brim."""

import os
from pathlib import Path

from tests.lab.program import LabError, run, until
from tests.lab.site import Site

SIZE = 512 << 20


class SmallFilesystem:
    """An ext4 in a file, else a tmpfs; where neither can be mounted (not root) a plain folder, and `kind` is None."""

    def __init__(self, site: Site, path: Path) -> None:
        self._site = site
        self.path = site.own(path)
        self.kind = self._mount() if os.geteuid() == 0 else None
        if self.kind:
            os.chown(path, site.account.uid, site.account.gid)
            path.chmod(0o700)
        self.folder = site.own(path / "repository")

    def fill(self) -> None:
        """Take all that is left, as somebody's forgotten dump would."""
        if self.kind is None:
            self._permit(0o500)
            return
        with self._filler.open("wb") as file:
            for block in (1 << 20, 1 << 12):
                try:
                    while True:
                        os.posix_fallocate(file.fileno(), os.fstat(file.fileno()).st_size, block)
                except OSError:
                    continue

    def empty(self) -> None:
        """The dump is gone again."""
        if self.kind is None:
            self._permit(0o700)
        else:
            self._filler.unlink()

    def unmount(self) -> None:
        """As after a reboot without its line in fstab; where the data would go with it, its folder is elsewhere."""
        if self.kind == "ext4":
            # Somebody may be reading it right now.
            until(self._unmounted, within=30, what="the repository is unmounted", every=0.1)
        else:
            self.folder.rename(self._elsewhere)

    def mount_again(self) -> None:
        """Somebody has noticed."""
        if self.kind == "ext4":
            self._run("mount", "-o", "loop", str(self._image), str(self.path))
        else:
            self._elsewhere.rename(self.folder)

    def _unmounted(self) -> bool:
        try:
            self._run("umount", str(self.path))
        except LabError:
            return False
        return True

    @property
    def _elsewhere(self) -> Path:
        return self.path / "elsewhere"

    @property
    def _filler(self) -> Path:
        return self.path / "dump-of-somebody"

    @property
    def _image(self) -> Path:
        return self.path.with_suffix(".img")

    def _run(self, *argv: str) -> None:
        run(argv, env=self._site.environment, cwd=self._site.path, within=30)

    def _permit(self, mode: int) -> None:
        """Where nothing can be mounted, a repository that nobody may write to has to stand in."""
        for folder in (path for path in self.path.rglob("*") if path.is_dir()):
            folder.chmod(mode)

    def _mount(self) -> str | None:
        with self._image.open("wb") as file:
            file.truncate(SIZE)
        ways = {
            "ext4": (
                ("mkfs.ext4", "-q", "-m", "0", str(self._image)),
                ("mount", "-o", "loop", str(self._image), str(self.path)),
            ),
            "tmpfs": (("mount", "-t", "tmpfs", "-o", f"size={SIZE}", "lab", str(self.path)),),
        }
        for kind, commands in ways.items():
            try:
                for argv in commands:
                    self._run(*argv)
            except (LabError, OSError):
                continue
            return kind
        return None
