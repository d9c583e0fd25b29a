"""What lists are found and sorted by, who looked at an alarm, and what a tenant may set."""

from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

# A search finds what a session's names begin with: in the order of code points, where a range is a
# beginning. None of these columns changes while a session runs, so its updates stay cheap.
INDEXES = (
    'CREATE INDEX sessions_station_text ON sessions (tenant_id, station_id COLLATE "C")',
    'CREATE INDEX sessions_transaction_text ON sessions (tenant_id, transaction COLLATE "C")',
    'CREATE INDEX sessions_token_text ON sessions (tenant_id, token_folded COLLATE "C")',
    "CREATE INDEX sessions_started ON sessions (tenant_id, started_at, session_id)",
    "CREATE INDEX reservations_made ON reservations (tenant_id, made_at, station_id, number)",
    "CREATE INDEX alarms_raised ON alarms (tenant_id, raised_at)",
    # Readings arrive about in the order of their moments: a small index tells which blocks to read.
    "CREATE INDEX meter_values_time ON meter_values USING brin (sampled_at)",
)
DROPPED = (
    *("sessions_station_text", "sessions_transaction_text", "sessions_token_text"),
    *("sessions_started", "reservations_made", "alarms_raised"),
    "meter_values_time",
)


def upgrade() -> None:
    for statement in INDEXES:
        op.execute(statement)
    op.execute(
        "ALTER TABLE alarms ADD COLUMN acknowledged_at timestamptz,"
        " ADD COLUMN acknowledged_by text NOT NULL DEFAULT ''"
    )
    op.execute(
        "ALTER TABLE tenants ADD COLUMN time_zone text NOT NULL DEFAULT 'UTC',"
        " ADD COLUMN ocpp_url text NOT NULL DEFAULT ''"
    )
    op.execute("GRANT UPDATE (name, time_zone, ocpp_url) ON tenants TO forecourt_tenant")
    op.execute(
        "CREATE POLICY tenant_itself ON tenants FOR UPDATE TO forecourt_tenant"
        " USING (tenant_id = current_setting('forecourt.tenant', true))"
        " WITH CHECK (tenant_id = current_setting('forecourt.tenant', true))"
    )


def downgrade() -> None:
    op.execute("DROP POLICY tenant_itself ON tenants")
    op.execute("REVOKE UPDATE (name, time_zone, ocpp_url) ON tenants FROM forecourt_tenant")
    op.execute("ALTER TABLE tenants DROP COLUMN ocpp_url, DROP COLUMN time_zone")
    op.execute("ALTER TABLE alarms DROP COLUMN acknowledged_by, DROP COLUMN acknowledged_at")
    for index in DROPPED:
        op.execute(f"DROP INDEX {index}")
