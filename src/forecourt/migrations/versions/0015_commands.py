"""Commands for many stations and for later, and what an API key may do beyond the usual."""

from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

TABLES = """
ALTER TABLE api_keys ADD COLUMN scopes text[] NOT NULL DEFAULT '{}';
CREATE TABLE orders (
  order_id text PRIMARY KEY,
  tenant_id text NOT NULL REFERENCES tenants,
  actor text NOT NULL,
  scopes text[] NOT NULL,
  command json NOT NULL,
  at_once_max bigint NOT NULL,
  queue boolean NOT NULL,
  expires_at timestamptz,
  asked_at timestamptz NOT NULL,
  cancelled_at timestamptz
);
CREATE TABLE order_lines (
  order_id text NOT NULL REFERENCES orders ON DELETE CASCADE,
  station_id text NOT NULL,
  tenant_id text NOT NULL REFERENCES tenants,
  state text NOT NULL CHECK (state IN ('waiting', 'sent', 'settled')),
  outcome text NOT NULL DEFAULT '',
  answer json,
  gateway text NOT NULL DEFAULT '',
  sent_at timestamptz,
  settled_at timestamptz,
  PRIMARY KEY (order_id, station_id)
);
CREATE INDEX order_lines_waiting ON order_lines (station_id, order_id) WHERE state = 'waiting';
CREATE INDEX order_lines_sent ON order_lines (gateway) WHERE state = 'sent'
"""

WALLED = ("orders", "order_lines")


def upgrade() -> None:
    for statement in TABLES.split(";\n"):
        op.execute(statement)
    for table in WALLED:
        op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO forecourt_tenant")
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(
            f"CREATE POLICY tenant ON {table} TO forecourt_tenant"
            " USING (tenant_id = current_setting('forecourt.tenant', true))"
            " WITH CHECK (tenant_id = current_setting('forecourt.tenant', true))"
        )


def downgrade() -> None:
    for table in reversed(WALLED):
        op.execute(f"DROP TABLE {table}")
    op.execute("ALTER TABLE api_keys DROP COLUMN scopes")
