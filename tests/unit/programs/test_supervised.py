"""A program that runs for long is heard as it speaks."""

import asyncio

from exporter.programs.supervised import supervised


async def test_news_are_what_it_says_and_its_end() -> None:
    heard: list[str] = []
    script = "sleep 0.2; echo ready; sleep 0.2"
    async with supervised(("sh", "-c", script), hear=heard.append) as running, asyncio.timeout(10):
        await running.news(within=9)
        assert heard == ["ready"]
        await running.news(within=9)
        assert running.exit_code == 0


async def test_news_are_not_waited_for_longer_than_asked() -> None:
    async with supervised(("sleep", "60"), hear=print) as running, asyncio.timeout(10):
        await running.news(within=0.01)
        assert running.exit_code is None
