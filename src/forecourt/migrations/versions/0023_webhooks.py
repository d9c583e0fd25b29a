"""Webhooks: endpoints of customers, what is on its way to them, and what came of each attempt."""

from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None

TABLES = """
CREATE TABLE webhook_endpoints (
  endpoint_id text PRIMARY KEY,
  tenant_id text NOT NULL REFERENCES tenants,
  url text NOT NULL,
  description text NOT NULL,
  types text[] NOT NULL,
  sites text[] NOT NULL,
  sealed bytea NOT NULL,
  header_names text[] NOT NULL,
  old_secret_until timestamptz,
  since xid8 NOT NULL DEFAULT pg_current_xact_id(),
  created_at timestamptz NOT NULL,
  disabled_at timestamptz,
  disabled_by text,
  failing_since timestamptz,
  delivered_at timestamptz
);
CREATE INDEX webhook_endpoints_tenant ON webhook_endpoints (tenant_id, endpoint_id);
CREATE TABLE webhook_deliveries (
  endpoint_id text NOT NULL REFERENCES webhook_endpoints ON DELETE CASCADE,
  seq bigint NOT NULL,
  tenant_id text NOT NULL,
  type text NOT NULL,
  subject text NOT NULL,
  at timestamptz NOT NULL,
  state text NOT NULL DEFAULT 'waiting',
  attempts integer NOT NULL DEFAULT 0,
  round integer NOT NULL DEFAULT 0,
  next_at timestamptz NOT NULL,
  worker text NOT NULL DEFAULT '',
  settled_at timestamptz,
  status integer,
  PRIMARY KEY (endpoint_id, seq)
);
CREATE INDEX webhook_deliveries_due ON webhook_deliveries (endpoint_id, next_at)
  WHERE state IN ('waiting', 'sending');
CREATE INDEX webhook_deliveries_settled ON webhook_deliveries (endpoint_id, settled_at)
  WHERE settled_at IS NOT NULL;
CREATE INDEX webhook_deliveries_at ON webhook_deliveries (at);
CREATE TABLE webhook_attempts (
  endpoint_id text NOT NULL,
  seq bigint NOT NULL,
  number integer NOT NULL,
  tenant_id text NOT NULL,
  at timestamptz NOT NULL,
  latency_ms integer NOT NULL,
  status integer,
  error text NOT NULL,
  answer text NOT NULL,
  PRIMARY KEY (endpoint_id, seq, number),
  FOREIGN KEY (endpoint_id, seq) REFERENCES webhook_deliveries ON DELETE CASCADE
);
CREATE INDEX webhook_attempts_at ON webhook_attempts (endpoint_id, at);
"""

WALLED = ("webhook_endpoints", "webhook_deliveries", "webhook_attempts")

# Whoever is bound to some sites sees the endpoints that hear of these alone.
BOUND = "coalesce(current_setting('forecourt.sites', true), '') = ''"
OF_SITES = (
    f"{BOUND} OR (sites <> '{{}}'"
    " AND sites <@ string_to_array(current_setting('forecourt.sites', true), E'\\n'))"
)
OF_ENDPOINTS = BOUND + " OR endpoint_id IN (SELECT p.endpoint_id FROM webhook_endpoints p)"  # noqa: S608 (of our own words)
OF_EVENTS = """subject IN (SELECT s.station_id FROM stations s)
  OR (type LIKE 'site.%' AND subject IN (SELECT p.site_id FROM sites p))"""


def upgrade() -> None:
    for statement in TABLES.split(";\n"):
        if statement.strip():
            op.execute(statement)
    for table in WALLED:
        op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO forecourt_tenant")
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(
            f"CREATE POLICY tenant ON {table} TO forecourt_tenant"
            " USING (tenant_id = current_setting('forecourt.tenant', true))"
            " WITH CHECK (tenant_id = current_setting('forecourt.tenant', true))"
        )
        within = OF_SITES if table == "webhook_endpoints" else OF_ENDPOINTS
        op.execute(
            f"CREATE POLICY sites ON {table} AS RESTRICTIVE TO forecourt_tenant USING ({within})"
        )
    # What somebody may see of events stays narrow; what he causes may be about no station at all.
    op.execute("ALTER POLICY sites ON events WITH CHECK (true)")


def downgrade() -> None:
    # A check, once given, cannot be taken from a policy: it is made anew.
    op.execute("DROP POLICY sites ON events")
    op.execute(
        f"CREATE POLICY sites ON events AS RESTRICTIVE TO forecourt_tenant USING "
        f"({BOUND} OR {OF_EVENTS})"
    )
    for table in reversed(WALLED):
        op.execute(f"DROP TABLE {table}")
