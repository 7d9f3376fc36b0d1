"""The queries of the settings, and whether they give what they should."""

from decimal import Decimal, InvalidOperation

from exporter.restore.database import DatabaseError, one_line, restored
from exporter.restore.scene import Scene
from exporter.settings.restore_tests import Query

RECOVERED_TO = "restore_test.recovered_to"
"""A setting of the session, for queries that ask how fresh the data is: a random moment may be weeks ago."""
_TELL = "select set_config(%s, to_timestamp(%s)::text, false)"


async def check(scene: Scene) -> None:
    """Run those that are meant for this stanza."""
    stanza = scene.choice.backup.stanza
    queries = [query for query in scene.settings.queries if query.stanza in (None, stanza)]
    if not queries:
        scene.findings.skipped("queries", "none are set (restore_tests.queries)")
        return
    problems = [words for query in queries if (words := await _problem(scene, query))]
    if problems:
        scene.findings.failed("queries", "; ".join(problems), f"{len(problems)} of {len(queries)}")
    else:
        scene.findings.ok("queries", value=len(queries))


async def _problem(scene: Scene, query: Query) -> str | None:
    """Return what is wrong with its answer, or None."""
    try:
        async with restored(scene.socket, scene.role, query.database, within=query.within) as session:
            await session.rows('set search_path = "$user", public')
            await session.rows(_TELL, (RECOVERED_TO, scene.reached))
            answer = await session.one(query.query)
    except DatabaseError as error:
        return f"{query.name}: {one_line(error)}"
    return judge(query, answer)


def judge(query: Query, answer: object) -> str | None:
    """Compare the first column of the first row; without an expectation it has to be true."""
    shown = str(answer)[:80]
    if query.expected is not None:
        wanted = query.expected
        return None if _text(answer) == wanted else f"{query.name}: gave {shown} where {wanted} is expected"
    if query.at_least is not None:
        try:
            enough = Decimal(str(answer)) >= Decimal(str(query.at_least))
        except InvalidOperation:
            enough = False
        return (
            None if enough else f"{query.name}: gave {shown} where at least {query.at_least:.15g} is expected"
        )
    return None if answer is True else f"{query.name}: gave {shown} where true is expected"


def _text(answer: object) -> str:
    if isinstance(answer, bool):
        return "true" if answer else "false"
    return str(answer)
