"""What stations notice and report: events, alarms, monitors, streams, displays, files."""

from alembic import op

revision = "0004"
down_revision = "0002"
branch_labels = None
depends_on = None

POINT = """component text NOT NULL,
  component_instance text NOT NULL,
  variable text NOT NULL,
  variable_instance text NOT NULL,
  evse_no bigint NOT NULL,
  connector_no bigint NOT NULL"""

TABLES = f"""
CREATE TABLE monitors (
  station_id text NOT NULL,
  monitor_no bigint NOT NULL,
  tenant_id text NOT NULL REFERENCES tenants,
  {POINT},
  type text NOT NULL,
  value double precision NOT NULL,
  severity integer NOT NULL,
  only_in_transactions boolean NOT NULL,
  origin text,
  reported_at timestamptz NOT NULL,
  PRIMARY KEY (station_id, monitor_no)
);
CREATE TABLE displays (
  station_id text NOT NULL,
  message_no bigint NOT NULL,
  tenant_id text NOT NULL REFERENCES tenants,
  priority text NOT NULL,
  state text NOT NULL,
  content text NOT NULL,
  format text NOT NULL,
  language text NOT NULL,
  starts_at timestamptz,
  ends_at timestamptz,
  transaction text NOT NULL,
  component text NOT NULL,
  reported_at timestamptz NOT NULL,
  PRIMARY KEY (station_id, message_no)
);
CREATE TABLE reports (
  station_id text NOT NULL,
  kind text NOT NULL,
  request_id bigint NOT NULL,
  tenant_id text NOT NULL REFERENCES tenants,
  pages text NOT NULL,
  ended boolean NOT NULL,
  last_page bigint,
  rows bigint NOT NULL,
  begun_at timestamptz NOT NULL,
  heard_at timestamptz NOT NULL,
  PRIMARY KEY (station_id, kind, request_id)
);
CREATE TABLE alarms (
  station_id text NOT NULL,
  source text NOT NULL,
  key text NOT NULL,
  tenant_id text NOT NULL REFERENCES tenants,
  severity integer NOT NULL,
  text text NOT NULL,
  raised_at timestamptz NOT NULL,
  cleared_at timestamptz,
  PRIMARY KEY (station_id, source, key)
);
CREATE INDEX alarms_up ON alarms (tenant_id, severity, raised_at) WHERE cleared_at IS NULL;
CREATE TABLE streams (
  station_id text NOT NULL,
  stream_no bigint NOT NULL,
  tenant_id text NOT NULL REFERENCES tenants,
  monitor_no bigint NOT NULL,
  interval_s bigint,
  values_together bigint,
  opened_at timestamptz NOT NULL,
  closed_at timestamptz,
  PRIMARY KEY (station_id, stream_no)
);
CREATE TABLE firmware_jobs (
  station_id text NOT NULL,
  kind text NOT NULL,
  request_id bigint NOT NULL,
  tenant_id text NOT NULL REFERENCES tenants,
  phase text NOT NULL CHECK (phase IN ('waiting', 'running', 'done', 'failed')),
  status text NOT NULL,
  begun_at timestamptz NOT NULL,
  changed_at timestamptz NOT NULL,
  steps json NOT NULL,
  places json NOT NULL,
  PRIMARY KEY (station_id, kind, request_id)
);
CREATE INDEX firmware_jobs_running ON firmware_jobs (tenant_id, kind)
  WHERE phase IN ('waiting', 'running');
"""

# In the order of time: partitioned by it, and retention drops partitions.
PARTITIONED = f"""
CREATE TABLE variable_events (
  station_id text NOT NULL,
  at timestamptz NOT NULL,
  event_no bigint NOT NULL,
  tenant_id text NOT NULL,
  received_at timestamptz NOT NULL,
  cause text NOT NULL,
  origin text NOT NULL,
  {POINT},
  value text NOT NULL,
  cleared boolean NOT NULL,
  cause_no bigint,
  monitor_no bigint,
  severity integer,
  tech_code text NOT NULL,
  tech_info text NOT NULL,
  transaction text NOT NULL,
  PRIMARY KEY (station_id, at, event_no)
) PARTITION BY RANGE (at);
CREATE TABLE variable_events_default PARTITION OF variable_events DEFAULT;
CREATE TABLE stream_values (
  station_id text NOT NULL,
  at timestamptz NOT NULL,
  stream_no bigint NOT NULL,
  tenant_id text NOT NULL,
  received_at timestamptz NOT NULL,
  value text NOT NULL,
  PRIMARY KEY (station_id, at, stream_no)
) PARTITION BY RANGE (at);
CREATE TABLE stream_values_default PARTITION OF stream_values DEFAULT;
CREATE TABLE customer_pages (
  station_id text NOT NULL,
  request_id bigint NOT NULL,
  page bigint NOT NULL,
  generated_at timestamptz NOT NULL,
  tenant_id text NOT NULL,
  received_at timestamptz NOT NULL,
  data text NOT NULL,
  PRIMARY KEY (station_id, request_id, page, generated_at)
) PARTITION BY RANGE (generated_at);
CREATE TABLE customer_pages_default PARTITION OF customer_pages DEFAULT;
"""

WALLED = (
    *("monitors", "displays", "reports", "alarms", "streams", "firmware_jobs"),
    *("variable_events", "stream_values", "customer_pages"),
)


def upgrade() -> None:
    for statements in (TABLES, PARTITIONED):
        for statement in statements.split(";\n"):
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
