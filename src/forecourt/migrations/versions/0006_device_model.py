"""The device model whole: characteristics, reports in parts, templates, the caretaker's notes."""

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

TABLES = """
ALTER TABLE variables
  ADD COLUMN persistent boolean NOT NULL DEFAULT false,
  ADD COLUMN constant boolean NOT NULL DEFAULT false,
  ADD COLUMN min_limit double precision,
  ADD COLUMN max_limit double precision,
  ADD COLUMN elements_max bigint,
  ADD COLUMN values_list text NOT NULL DEFAULT '',
  ADD COLUMN supports_monitoring boolean NOT NULL DEFAULT false,
  ADD COLUMN awaits_reboot boolean NOT NULL DEFAULT false,
  ADD COLUMN gone_at timestamptz;
CREATE INDEX variables_awaiting ON variables (station_id) WHERE awaits_reboot;
CREATE TABLE report_parts (
  station_id text NOT NULL,
  request_id bigint NOT NULL,
  seq_no bigint NOT NULL,
  tenant_id text NOT NULL REFERENCES tenants,
  last boolean NOT NULL,
  whole boolean NOT NULL,
  received_at timestamptz NOT NULL,
  PRIMARY KEY (station_id, request_id, seq_no)
);
CREATE TABLE upkeep (
  station_id text PRIMARY KEY,
  tenant_id text NOT NULL REFERENCES tenants,
  due_at timestamptz,
  claimed_until timestamptz,
  model_of text NOT NULL DEFAULT '',
  model_at timestamptz,
  fetches integer NOT NULL DEFAULT 0,
  fetch_after timestamptz,
  state text NOT NULL DEFAULT 'unknown'
    CHECK (state IN ('unknown', 'unmanaged', 'conforms', 'drifted', 'reboot_needed')),
  lines json NOT NULL DEFAULT '[]',
  checked_at timestamptz,
  tries json NOT NULL DEFAULT '[]'
) WITH (fillfactor = 80);
CREATE INDEX upkeep_due ON upkeep (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX upkeep_claimed ON upkeep (claimed_until) WHERE claimed_until IS NOT NULL;
CREATE INDEX upkeep_tenant ON upkeep (tenant_id, state, station_id);
CREATE TABLE device_templates (
  tenant_id text NOT NULL REFERENCES tenants,
  name text NOT NULL,
  vendor text NOT NULL,
  model text NOT NULL,
  firmware_from text NOT NULL,
  firmware_to text NOT NULL,
  site text NOT NULL,
  station text NOT NULL,
  rank integer NOT NULL,
  auto boolean NOT NULL,
  wanted json NOT NULL,
  changed_at timestamptz NOT NULL,
  networks json NOT NULL DEFAULT '[]',
  PRIMARY KEY (tenant_id, name)
);
"""

WALLED = ("report_parts", "upkeep", "device_templates")
COLUMNS = (
    *("persistent", "constant", "min_limit", "max_limit", "elements_max", "values_list"),
    *("supports_monitoring", "awaits_reboot", "gone_at"),
)


# Stations that are here already are looked at within ten minutes, not only when they boot.
KNOWN = """
INSERT INTO upkeep (station_id, tenant_id, due_at)
SELECT station_id, tenant_id, now() + random() * interval '10 minutes'
FROM stations WHERE booted_at IS NOT NULL
"""


def upgrade() -> None:
    for statement in TABLES.split(";\n"):
        if statement.strip():
            op.execute(statement)
    op.execute(KNOWN)
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
    op.execute("DROP INDEX variables_awaiting")
    op.execute("ALTER TABLE variables " + ", ".join(f"DROP COLUMN {column}" for column in COLUMNS))
