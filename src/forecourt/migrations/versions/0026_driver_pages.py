"""Codes on connectors, drivers' visits, and what a tenant lets drivers do at their page."""

from alembic import op

revision = "0026"
down_revision = "0023"
branch_labels = None
depends_on = None

TABLES = """
CREATE TABLE connector_codes (
  code text PRIMARY KEY,
  tenant_id text NOT NULL REFERENCES tenants,
  station_id text NOT NULL REFERENCES stations ON DELETE CASCADE,
  evse_no bigint NOT NULL,
  connector_no bigint NOT NULL,
  connector_type text NOT NULL,
  power_w_max bigint,
  created_at timestamptz NOT NULL,
  UNIQUE (station_id, evse_no, connector_no)
);
CREATE TABLE driver_visits (
  digest bytea PRIMARY KEY,
  tenant_id text NOT NULL REFERENCES tenants,
  code text NOT NULL,
  station_id text NOT NULL,
  evse_no bigint NOT NULL,
  connector_no bigint NOT NULL,
  token text NOT NULL,
  marker text NOT NULL,
  session_id text,
  asked_at timestamptz NOT NULL,
  expires_at timestamptz NOT NULL
);
CREATE INDEX driver_visits_expire ON driver_visits (expires_at);
CREATE TABLE driver_pages (
  tenant_id text PRIMARY KEY REFERENCES tenants,
  may_start boolean NOT NULL
)
"""

WALLED = ("connector_codes", "driver_visits", "driver_pages")
SITES = """
CREATE POLICY sites ON {table} AS RESTRICTIVE TO forecourt_tenant USING (
  coalesce(current_setting('forecourt.sites', true), '') = ''
  OR station_id IN (SELECT s.station_id FROM stations s))
"""
OF_STATIONS = ("connector_codes", "driver_visits")


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
    for table in OF_STATIONS:
        op.execute(SITES.format(table=table))


def downgrade() -> None:
    for table in reversed(WALLED):
        op.execute(f"DROP TABLE {table}")
