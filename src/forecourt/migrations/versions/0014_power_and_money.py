"""What stations tell of reservations, power and money."""

from alembic import op

revision = "0014"
down_revision = "0007"
branch_labels = None
depends_on = None

TABLES = """
CREATE TABLE reservations (
  station_id text NOT NULL,
  number bigint NOT NULL,
  tenant_id text NOT NULL REFERENCES tenants,
  state text NOT NULL
    CHECK (state IN ('made', 'used', 'expired', 'cancelled', 'removed', 'abandoned')),
  evse_no bigint NOT NULL,
  token text NOT NULL,
  group_id text NOT NULL,
  expires_at timestamptz,
  made_at timestamptz NOT NULL,
  settled_at timestamptz,
  session_id text,
  PRIMARY KEY (station_id, number)
);
CREATE TABLE local_lists (
  station_id text PRIMARY KEY,
  tenant_id text NOT NULL REFERENCES tenants,
  version bigint NOT NULL,
  entries integer,
  changed_at timestamptz NOT NULL
);
CREATE TABLE external_limits (
  station_id text NOT NULL,
  evse_no bigint NOT NULL,
  source text NOT NULL,
  tenant_id text NOT NULL REFERENCES tenants,
  grid_critical boolean,
  local_generation boolean,
  schedules json,
  since_at timestamptz NOT NULL,
  cleared_at timestamptz,
  PRIMARY KEY (station_id, evse_no, source)
);
CREATE TABLE vehicle_plans (
  station_id text NOT NULL,
  evse_no bigint NOT NULL,
  tenant_id text NOT NULL REFERENCES tenants,
  needs json,
  needs_at timestamptz,
  schedule json,
  schedule_from timestamptz,
  schedule_at timestamptz,
  chosen bigint,
  PRIMARY KEY (station_id, evse_no)
);
CREATE TABLE installed_profiles (
  station_id text NOT NULL,
  evse_no bigint NOT NULL,
  profile bigint NOT NULL,
  tenant_id text NOT NULL REFERENCES tenants,
  source text NOT NULL,
  purpose text NOT NULL,
  kind text NOT NULL,
  stack_level bigint NOT NULL,
  transaction text NOT NULL,
  request_id bigint NOT NULL,
  body json NOT NULL,
  reported_at timestamptz NOT NULL,
  PRIMARY KEY (station_id, evse_no, profile)
);
CREATE TABLE dynamic_schedules (
  station_id text NOT NULL,
  profile bigint NOT NULL,
  tenant_id text NOT NULL REFERENCES tenants,
  update json NOT NULL,
  set_at timestamptz NOT NULL,
  PRIMARY KEY (station_id, profile)
);
CREATE TABLE transaction_modes (
  station_id text NOT NULL,
  transaction text NOT NULL,
  tenant_id text NOT NULL REFERENCES tenants,
  operation_mode text,
  priority boolean,
  changed_at timestamptz NOT NULL,
  PRIMARY KEY (station_id, transaction)
);
CREATE TABLE grid_controls (
  station_id text NOT NULL,
  control text NOT NULL,
  tenant_id text NOT NULL REFERENCES tenants,
  kind text,
  is_default boolean,
  superseded boolean,
  running boolean,
  switched_at timestamptz,
  body json,
  reported_at timestamptz,
  PRIMARY KEY (station_id, control)
);
CREATE TABLE settlements (
  station_id text NOT NULL,
  reference text NOT NULL,
  settled_at timestamptz NOT NULL,
  state text NOT NULL CHECK (state IN ('settled', 'cancelled', 'rejected', 'failed')),
  tenant_id text NOT NULL REFERENCES tenants,
  amount numeric NOT NULL CHECK (amount >= 0),
  transaction text NOT NULL,
  receipt text NOT NULL,
  receipt_url text NOT NULL,
  company json,
  vat_number text NOT NULL,
  info text NOT NULL,
  received_at timestamptz NOT NULL,
  PRIMARY KEY (station_id, reference, settled_at, state)
);
CREATE INDEX settlements_order ON settlements (station_id, settled_at);
CREATE TABLE station_costs (
  station_id text NOT NULL,
  transaction text NOT NULL,
  tenant_id text NOT NULL REFERENCES tenants,
  tariff text,
  cost_max numeric,
  energy_wh_max bigint,
  time_s_max bigint,
  soc_pct_max integer,
  currency text,
  excl_tax numeric,
  incl_tax numeric,
  kind text,
  energy_wh bigint,
  charging_s bigint,
  idle_s bigint,
  failure text,
  body json,
  changed_at timestamptz NOT NULL,
  PRIMARY KEY (station_id, transaction)
);
CREATE INDEX station_costs_order ON station_costs (station_id, changed_at);
CREATE TABLE battery_swaps (
  station_id text NOT NULL,
  at timestamptz NOT NULL,
  request_id bigint NOT NULL,
  event text NOT NULL,
  tenant_id text NOT NULL,
  token text NOT NULL,
  batteries json NOT NULL,
  PRIMARY KEY (station_id, at, request_id, event)
) PARTITION BY RANGE (at);
CREATE TABLE battery_swaps_default PARTITION OF battery_swaps DEFAULT;
"""

WALLED = (
    *("reservations", "local_lists", "external_limits", "vehicle_plans", "installed_profiles"),
    *("dynamic_schedules", "transaction_modes", "grid_controls", "settlements", "station_costs"),
    "battery_swaps",
)


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


def downgrade() -> None:
    for table in reversed(WALLED):
        op.execute(f"DROP TABLE {table}")
