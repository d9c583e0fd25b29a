"""The first tables: tenants, stations, tokens, sessions, readings, raw messages, events."""

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

TABLES = """
CREATE TABLE tenants (
  tenant_id text PRIMARY KEY,
  name text NOT NULL,
  created_at timestamptz NOT NULL
);
CREATE TABLE api_keys (
  api_key_id text PRIMARY KEY,
  tenant_id text NOT NULL REFERENCES tenants,
  name text NOT NULL,
  digest bytea NOT NULL UNIQUE,
  created_at timestamptz NOT NULL,
  expires_at timestamptz,
  revoked_at timestamptz
);
CREATE UNIQUE INDEX api_keys_name ON api_keys (tenant_id, name) WHERE revoked_at IS NULL;
CREATE TABLE stations (
  station_id text PRIMARY KEY,
  tenant_id text NOT NULL REFERENCES tenants,
  admission text NOT NULL CHECK (admission IN ('accepted', 'pending', 'blocked')),
  password bytea,
  site text NOT NULL DEFAULT '',
  protocol text NOT NULL DEFAULT '',
  vendor text NOT NULL DEFAULT '',
  model text NOT NULL DEFAULT '',
  serial text NOT NULL DEFAULT '',
  firmware text NOT NULL DEFAULT '',
  iccid text NOT NULL DEFAULT '',
  imsi text NOT NULL DEFAULT '',
  boot_reason text NOT NULL DEFAULT '',
  booted_at timestamptz,
  epoch bigint NOT NULL DEFAULT 0,
  gateway text NOT NULL DEFAULT '',
  connected boolean NOT NULL DEFAULT false,
  connected_at timestamptz,
  disconnected_at timestamptz,
  seen_at timestamptz,
  lenient boolean NOT NULL DEFAULT false,
  log_all boolean NOT NULL DEFAULT false,
  created_at timestamptz NOT NULL
) WITH (fillfactor = 80);
CREATE INDEX stations_tenant ON stations (tenant_id, station_id);
CREATE TABLE connectors (
  station_id text NOT NULL,
  evse_no bigint NOT NULL,
  connector_no bigint NOT NULL,
  tenant_id text NOT NULL REFERENCES tenants,
  state text NOT NULL,
  state_at timestamptz NOT NULL,
  received_at timestamptz NOT NULL,
  error text NOT NULL,
  vendor_id text NOT NULL,
  vendor_error text NOT NULL,
  info text NOT NULL,
  epoch bigint NOT NULL,
  PRIMARY KEY (station_id, evse_no, connector_no)
) WITH (fillfactor = 80);
CREATE TABLE variables (
  station_id text NOT NULL,
  component text NOT NULL,
  component_instance text NOT NULL,
  evse_no bigint NOT NULL,
  connector_no bigint NOT NULL,
  variable text NOT NULL,
  variable_instance text NOT NULL,
  attribute text NOT NULL,
  tenant_id text NOT NULL REFERENCES tenants,
  value text,
  mutability text NOT NULL,
  data_type text NOT NULL,
  unit text NOT NULL,
  reported_at timestamptz NOT NULL,
  PRIMARY KEY (station_id, component, component_instance, evse_no, connector_no,
               variable, variable_instance, attribute)
);
CREATE TABLE commands (
  command_id text PRIMARY KEY,
  tenant_id text NOT NULL REFERENCES tenants,
  station_id text NOT NULL,
  actor text NOT NULL,
  command json NOT NULL,
  asked_at timestamptz NOT NULL,
  outcome text,
  answer json,
  answered_at timestamptz
);
CREATE INDEX commands_station ON commands (station_id, command_id);
CREATE TABLE tokens (
  tenant_id text NOT NULL REFERENCES tenants,
  uid_folded text NOT NULL,
  uid text NOT NULL,
  type text NOT NULL,
  status text NOT NULL CHECK (status IN ('accepted', 'blocked')),
  group_id text NOT NULL,
  label text NOT NULL,
  valid_until timestamptz,
  sessions_max integer CHECK (sessions_max > 0),
  created_at timestamptz NOT NULL,
  PRIMARY KEY (tenant_id, uid_folded)
);
CREATE TABLE sessions (
  session_id text PRIMARY KEY,
  tenant_id text NOT NULL REFERENCES tenants,
  station_id text NOT NULL,
  evse_no bigint NOT NULL,
  connector_no bigint NOT NULL,
  transaction text NOT NULL,
  start_key text NOT NULL,
  token text NOT NULL,
  token_folded text NOT NULL,
  token_type text NOT NULL,
  group_id text NOT NULL,
  standing text,
  state text NOT NULL CHECK (state IN ('active', 'ended')),
  charging_state text NOT NULL,
  offline boolean NOT NULL,
  remote_start_id bigint,
  started_at timestamptz NOT NULL,
  ended_at timestamptz,
  meter_start_wh bigint,
  meter_stop_wh bigint,
  stop_reason text NOT NULL,
  energy_wh bigint NOT NULL CHECK (energy_wh >= 0),
  exported_wh bigint NOT NULL CHECK (exported_wh >= 0),
  meter_wh bigint,
  meter_high_wh bigint,
  meter_at timestamptz,
  export_meter_wh bigint,
  power_w integer,
  soc_pct double precision,
  seq_next bigint NOT NULL,
  seq_missing text NOT NULL,
  flags text NOT NULL,
  saved_at timestamptz NOT NULL,
  epoch bigint NOT NULL,
  UNIQUE (station_id, start_key)
) WITH (fillfactor = 70);
CREATE INDEX sessions_transaction ON sessions (station_id, transaction);
CREATE INDEX sessions_tenant ON sessions (tenant_id, session_id);
CREATE INDEX sessions_active ON sessions (station_id) WHERE state = 'active';
CREATE INDEX sessions_active_token ON sessions (tenant_id, token_folded) WHERE state = 'active';
CREATE SEQUENCE transaction_numbers START 1 INCREMENT 100;
CREATE TABLE unmatched_stops (
  station_id text NOT NULL,
  transaction text NOT NULL,
  reported_at timestamptz NOT NULL,
  tenant_id text NOT NULL REFERENCES tenants,
  received_at timestamptz NOT NULL,
  meter_wh bigint NOT NULL,
  body json NOT NULL,
  PRIMARY KEY (station_id, transaction, reported_at)
);
"""

# Rows in the order of time: partitioned by it, and retention drops partitions. No foreign keys:
# they would cost a look-up for each row, and a row's tenant comes from the station's own record.
PARTITIONED = """
CREATE TABLE meter_values (
  station_id text NOT NULL,
  sampled_at timestamptz NOT NULL,
  evse_no bigint NOT NULL,
  digest bigint NOT NULL,
  tenant_id text NOT NULL,
  session_id text,
  received_at timestamptz NOT NULL,
  seq_no bigint,
  energy_wh bigint,
  export_wh bigint,
  power_w integer,
  soc_pct double precision,
  samples text NOT NULL,
  PRIMARY KEY (station_id, sampled_at, evse_no, digest)
) PARTITION BY RANGE (sampled_at);
CREATE TABLE meter_values_default PARTITION OF meter_values DEFAULT;
CREATE TABLE session_events (
  session_id text NOT NULL,
  seq_no bigint NOT NULL,
  at timestamptz NOT NULL,
  tenant_id text NOT NULL,
  station_id text NOT NULL,
  kind text NOT NULL,
  trigger text NOT NULL,
  offline boolean NOT NULL,
  received_at timestamptz NOT NULL,
  body json NOT NULL,
  PRIMARY KEY (session_id, seq_no, at)
) PARTITION BY RANGE (at);
CREATE TABLE session_events_default PARTITION OF session_events DEFAULT;
CREATE TABLE messages (
  station_id text NOT NULL,
  at timestamptz NOT NULL,
  tenant_id text NOT NULL,
  direction text NOT NULL,
  action text NOT NULL,
  note text NOT NULL,
  frame bytea NOT NULL
) PARTITION BY RANGE (at);
CREATE INDEX messages_station ON messages (station_id, at);
CREATE TABLE messages_default PARTITION OF messages DEFAULT;
CREATE SEQUENCE events_seq;
CREATE TABLE events (
  seq bigint NOT NULL DEFAULT nextval('events_seq'),
  at timestamptz NOT NULL,
  xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
  tenant_id text NOT NULL,
  type text NOT NULL,
  subject text NOT NULL,
  body json NOT NULL,
  PRIMARY KEY (seq, at)
) PARTITION BY RANGE (at);
CREATE INDEX events_subject ON events (subject, at);
CREATE INDEX events_order ON events (xid, seq);
CREATE TABLE events_default PARTITION OF events DEFAULT;
CREATE TABLE relays (
  name text PRIMARY KEY,
  xid xid8 NOT NULL,
  seq bigint NOT NULL
);
"""

WALLED = (
    *("api_keys", "stations", "connectors", "variables", "commands", "tokens", "sessions"),
    *("unmatched_stops", "meter_values", "session_events", "messages", "events"),
)

# Roles belong to the server, not to the database: another installation, or an administrator, may
# have made ours already. Where we may not do something, the one error says what somebody else must.
TENANT_ROLE = """
DO $$ BEGIN
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'forecourt_tenant') THEN
    CREATE ROLE forecourt_tenant NOLOGIN;
  END IF;
EXCEPTION
  WHEN duplicate_object OR unique_violation THEN NULL;
  WHEN insufficient_privilege THEN
    RAISE insufficient_privilege USING MESSAGE = format(
      '%I may not make the role forecourt_tenant; an administrator must run:'
      ' CREATE ROLE forecourt_tenant NOLOGIN; GRANT forecourt_tenant TO %I',
      current_user, current_user);
END $$
"""
MEMBERSHIP = """
DO $$ BEGIN
  EXECUTE format('GRANT forecourt_tenant TO %I', current_user);
EXCEPTION WHEN insufficient_privilege THEN
  IF NOT pg_has_role(current_user, 'forecourt_tenant', 'MEMBER') THEN
    RAISE insufficient_privilege USING MESSAGE = format(
      'another role of this server made forecourt_tenant; an administrator must run:'
      ' GRANT forecourt_tenant TO %I', current_user);
  END IF;
END $$
"""
SCHEMA_USAGE = """
DO $$ BEGIN
  BEGIN
    EXECUTE format('GRANT USAGE ON SCHEMA %I TO forecourt_tenant', current_schema());
  EXCEPTION WHEN insufficient_privilege THEN NULL;
  END;
  IF NOT has_schema_privilege('forecourt_tenant', current_schema(), 'USAGE') THEN
    RAISE insufficient_privilege USING MESSAGE = format(
      '%I may not share its schema; an administrator must run:'
      ' GRANT USAGE ON SCHEMA %I TO forecourt_tenant', current_user, current_schema());
  END IF;
END $$
"""


def upgrade() -> None:
    for statements in (TABLES, PARTITIONED):
        for statement in statements.split(";\n"):
            if statement.strip():
                op.execute(statement)
    for statement in (TENANT_ROLE, MEMBERSHIP, SCHEMA_USAGE):
        op.execute(statement)
    op.execute("GRANT SELECT ON tenants TO forecourt_tenant")
    op.execute("ALTER TABLE tenants ENABLE ROW LEVEL SECURITY")
    op.execute(
        "CREATE POLICY tenant ON tenants FOR SELECT TO forecourt_tenant"
        " USING (tenant_id = current_setting('forecourt.tenant', true))"
    )
    op.execute("GRANT USAGE ON SEQUENCE events_seq TO forecourt_tenant")
    for table in WALLED:
        op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO forecourt_tenant")
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(
            f"CREATE POLICY tenant ON {table} TO forecourt_tenant"
            " USING (tenant_id = current_setting('forecourt.tenant', true))"
            " WITH CHECK (tenant_id = current_setting('forecourt.tenant', true))"
        )


def downgrade() -> None:
    for table in (*reversed(WALLED), "relays", "tenants"):
        op.execute(f"DROP TABLE {table}")
    op.execute("DROP SEQUENCE transaction_numbers")
    op.execute("DROP SEQUENCE events_seq")
