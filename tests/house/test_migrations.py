"""The steps of the database are one line: two that follow the same one were merged unread."""

from pathlib import Path

from alembic.script import ScriptDirectory

import forecourt.migrations

FOLDER = Path(forecourt.migrations.__path__[0])


def test_each_step_follows_the_one_before_it_by_number() -> None:
    steps = [script.revision for script in ScriptDirectory(FOLDER).walk_revisions("base", "heads")]
    files = sorted(file.name.partition("_")[0] for file in (FOLDER / "versions").glob("0*.py"))
    assert steps[::-1] == files
    assert len(ScriptDirectory(FOLDER).get_heads()) == 1, "name the newest as the one before yours"
