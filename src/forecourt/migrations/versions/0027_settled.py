"""Which transactions are over, as far as this database is concerned."""

from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None

# A snapshot knows the running transactions of the whole server. One that holds a lock on its own
# number from another database writes no events here; of one that is found nowhere (prepared, or
# over since the snapshot) that cannot be said. STABLE: the snapshot is the caller's.
FUNCTION = """
CREATE FUNCTION settled_before() RETURNS xid8 LANGUAGE sql STABLE AS $$
  SELECT least(pg_current_xact_id_if_assigned(), CASE
    WHEN pg_snapshot_xmin(s) = pg_snapshot_xmax(s) THEN pg_snapshot_xmax(s)
    ELSE coalesce(
      (SELECT min(running.xid) FROM pg_snapshot_xip(s) AS running (xid)
        WHERE running.xid::xid NOT IN (
          SELECT held.transactionid
          FROM pg_locks held JOIN pg_stat_activity holder ON holder.pid = held.pid
          WHERE held.locktype = 'transactionid' AND held.mode = 'ExclusiveLock' AND held.granted
            AND holder.datname <> current_database())),
      pg_snapshot_xmax(s)) END)
  FROM (SELECT pg_current_snapshot() AS s) AS snapshot
$$
"""


def upgrade() -> None:
    op.execute(FUNCTION)
    op.execute(
        "COMMENT ON FUNCTION settled_before() IS"
        " 'No transaction of this database below this number is still running'"
    )


def downgrade() -> None:
    op.execute("DROP FUNCTION settled_before()")
