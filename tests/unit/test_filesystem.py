import asyncio
import os
from pathlib import Path

import pytest

from exporter.filesystem import capacity


async def test_room_is_counted_as_df_does(tmp_path: Path) -> None:
    found, plain = await capacity(str(tmp_path), within=10), os.statvfs(tmp_path)
    assert found.size == plain.f_blocks * plain.f_frsize
    assert found.used + found.available <= found.size
    assert found.filesystem == plain.f_fsid
    assert (found.inodes_used is None) == (plain.f_files == 0)


async def test_a_folder_that_is_not_there_is_an_oserror(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        await capacity(str(tmp_path / "none"), within=10)


async def test_several_at_once_share_an_answer(tmp_path: Path) -> None:
    one, other = await asyncio.gather(*(capacity(str(tmp_path), within=10) for _ in range(2)))
    assert one is other


async def test_one_that_does_not_answer_in_time_is_a_timeout_and_asked_once(tmp_path: Path) -> None:
    for _ in range(3):
        try:
            await capacity(str(tmp_path), within=0)
        except TimeoutError as error:
            assert str(error).startswith(f"{tmp_path}: the filesystem does not answer")  # noqa: PT017
    assert (await capacity(str(tmp_path), within=10)).size > 0
