"""A station's quirk profile, and how often its quirks were met."""

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

WALLED = ("quirk_uses",)


def upgrade() -> None:
    op.execute("ALTER TABLE stations ADD COLUMN quirks text NOT NULL DEFAULT 'auto'")
    op.execute(
        """
        CREATE TABLE quirk_uses (
          station_id text NOT NULL,
          fix text NOT NULL,
          tenant_id text NOT NULL REFERENCES tenants,
          uses bigint NOT NULL,
          first_at timestamptz NOT NULL,
          last_at timestamptz NOT NULL,
          PRIMARY KEY (station_id, fix)
        )"""
    )
    for table in WALLED:
        op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO forecourt_tenant")
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(
            f"CREATE POLICY tenant ON {table} TO forecourt_tenant"
            " USING (tenant_id = current_setting('forecourt.tenant', true))"
            " WITH CHECK (tenant_id = current_setting('forecourt.tenant', true))"
        )


def downgrade() -> None:
    op.execute("DROP TABLE quirk_uses")
    op.execute("ALTER TABLE stations DROP COLUMN quirks")
