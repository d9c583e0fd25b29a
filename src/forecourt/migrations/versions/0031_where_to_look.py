"""The days of each session's readings; stations in the order in which they were looked at."""

from alembic import op

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # NULL: a record of before; its readings are looked for around its start and end.
    op.execute("ALTER TABLE sessions ADD COLUMN reading_days text")
    # Those without a moment come last, whichever the direction: one index is no other's back.
    op.execute("CREATE INDEX upkeep_checked ON upkeep (tenant_id, checked_at, station_id)")
    op.execute(
        "CREATE INDEX upkeep_checked_last ON upkeep"
        " (tenant_id, checked_at DESC NULLS LAST, station_id DESC)"
    )


def downgrade() -> None:
    op.execute("DROP INDEX upkeep_checked_last")
    op.execute("DROP INDEX upkeep_checked")
    op.execute("ALTER TABLE sessions DROP COLUMN reading_days")
