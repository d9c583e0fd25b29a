"""Power in quarter hours, kept ready: of each station, and of each site."""

from alembic import op

revision = "0030"
down_revision = "0028"
branch_labels = None
depends_on = None

# Energy in Ws, so that a quarter hour that is not over can be averaged over any part of it, and
# nothing is rounded before it is summed up. NULL: sessions ran, and none told its power.
TABLES = """
CREATE TABLE station_power (
  station_id text NOT NULL,
  at timestamptz NOT NULL,
  tenant_id text NOT NULL,
  site text NOT NULL,
  energy_ws bigint,
  sessions integer NOT NULL,
  measured integer NOT NULL,
  PRIMARY KEY (station_id, at)
) PARTITION BY RANGE (at);
CREATE INDEX station_power_site ON station_power (tenant_id, site, at);
CREATE TABLE station_power_default PARTITION OF station_power DEFAULT;
CREATE TABLE site_power (
  tenant_id text NOT NULL,
  at timestamptz NOT NULL,
  site text NOT NULL,
  energy_ws bigint,
  sessions integer NOT NULL,
  measured integer NOT NULL,
  PRIMARY KEY (tenant_id, at, site)
) PARTITION BY RANGE (at);
CREATE TABLE site_power_default PARTITION OF site_power DEFAULT;
CREATE TABLE power_passes (
  one boolean PRIMARY KEY DEFAULT true CHECK (one),
  began_at timestamptz,
  seen timestamptz[] NOT NULL DEFAULT '{}',
  rebuilt_at timestamptz,
  reached timestamptz
);
INSERT INTO power_passes DEFAULT VALUES;
GRANT SELECT ON power_passes TO forecourt_tenant
"""

WALLED = ("station_power", "site_power")
WALLS = {
    "station_power": "station_id IN (SELECT s.station_id FROM stations s)",
    "site_power": "site = ANY (string_to_array(current_setting('forecourt.sites', true), E'\\n'))",
}


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
        op.execute(
            f"CREATE POLICY sites ON {table} AS RESTRICTIVE TO forecourt_tenant USING ("
            f"coalesce(current_setting('forecourt.sites', true), '') = '' OR {WALLS[table]})"
        )
    # A pass looks for what was received lately, whatever moments it is of. The index by moments,
    # of the same kind and price, has nobody left who asks it.
    op.execute("DROP INDEX meter_values_time")
    op.execute(
        "CREATE INDEX meter_values_received ON meter_values USING brin (received_at)"
        " WITH (autosummarize = on)"
    )
    op.execute("CREATE INDEX sessions_station_ended ON sessions (station_id, ended_at)")


def downgrade() -> None:
    op.execute("DROP INDEX sessions_station_ended")
    op.execute("DROP INDEX meter_values_received")
    op.execute("CREATE INDEX meter_values_time ON meter_values USING brin (sampled_at)")
    op.execute("DROP TABLE power_passes")
    for table in reversed(WALLED):
        op.execute(f"DROP TABLE {table}")
