"""People and their log-ins, the audit trail, and a wall around sites inside a tenant's own."""

from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

TABLES = """
CREATE TABLE users (
  user_id text PRIMARY KEY,
  tenant_id text NOT NULL REFERENCES tenants,
  email text NOT NULL,
  email_folded text NOT NULL UNIQUE,
  name text NOT NULL,
  role text NOT NULL,
  sites text[] NOT NULL,
  password text NOT NULL,
  totp bytea,
  totp_used bigint NOT NULL DEFAULT 0,
  created_at timestamptz NOT NULL,
  disabled_at timestamptz
);
CREATE TABLE logins (
  digest bytea PRIMARY KEY,
  tenant_id text NOT NULL REFERENCES tenants,
  user_id text NOT NULL REFERENCES users ON DELETE CASCADE,
  created_at timestamptz NOT NULL,
  used_at timestamptz NOT NULL,
  expires_at timestamptz NOT NULL,
  address text NOT NULL,
  agent text NOT NULL
);
CREATE INDEX logins_user ON logins (user_id);
CREATE TABLE audit (
  tenant_id text NOT NULL REFERENCES tenants,
  seq bigint NOT NULL,
  at timestamptz NOT NULL,
  actor text NOT NULL,
  action text NOT NULL,
  subject text NOT NULL,
  before text NOT NULL,
  after text NOT NULL,
  address text NOT NULL,
  trace text NOT NULL,
  hash bytea NOT NULL,
  PRIMARY KEY (tenant_id, seq)
);
"""

WALLED = ("users", "logins", "audit")

# Whoever wants to change the past must first drop this, and cannot mend the hashes that follow.
APPEND_ONLY = """
CREATE FUNCTION audit_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'the audit trail is only ever added to';
END $$
"""

# Inside the tenant's wall a second one: who is bound to some sites sees their stations, and what
# belongs to these. It narrows what the first lets pass; without sites it lets everything pass.
STATION_WALL = """
CREATE POLICY sites ON stations AS RESTRICTIVE TO forecourt_tenant USING (
  coalesce(current_setting('forecourt.sites', true), '') = ''
  OR site = ANY (string_to_array(current_setting('forecourt.sites', true), E'\\n')))
"""
WALLS = """
DO $$ DECLARE found record; BEGIN
  FOR found IN
    SELECT c.relname, a.attname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
    WHERE c.relnamespace = current_schema()::regnamespace AND c.relrowsecurity
      AND c.relkind IN ('r', 'p') AND NOT c.relispartition
      AND c.relname <> 'stations' AND NOT a.attisdropped
      AND (a.attname = 'station_id' OR (c.relname = 'events' AND a.attname = 'subject'))
  LOOP
    EXECUTE format(
      'CREATE POLICY sites ON %I AS RESTRICTIVE TO forecourt_tenant USING ('
      ' coalesce(current_setting(''forecourt.sites'', true), '''') = '''''
      ' OR %I IN (SELECT s.station_id FROM stations s))', found.relname, found.attname);
  END LOOP;
END $$
"""
NO_WALLS = """
DO $$ DECLARE found record; BEGIN
  FOR found IN
    SELECT tablename FROM pg_policies
    WHERE schemaname = current_schema() AND policyname = 'sites'
  LOOP
    EXECUTE format('DROP POLICY sites ON %I', found.tablename);
  END LOOP;
END $$
"""


def upgrade() -> None:
    for statement in TABLES.split(";\n"):
        if statement.strip():
            op.execute(statement)
    for table in WALLED:
        rights = "SELECT, INSERT" if table == "audit" else "SELECT, INSERT, UPDATE, DELETE"
        op.execute(f"GRANT {rights} ON {table} TO forecourt_tenant")
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(
            f"CREATE POLICY tenant ON {table} TO forecourt_tenant"
            " USING (tenant_id = current_setting('forecourt.tenant', true))"
            " WITH CHECK (tenant_id = current_setting('forecourt.tenant', true))"
        )
    op.execute(APPEND_ONLY)
    op.execute(
        "CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit"
        " FOR EACH STATEMENT EXECUTE FUNCTION audit_is_append_only()"
    )
    op.execute(STATION_WALL)
    op.execute(WALLS)


def downgrade() -> None:
    op.execute(NO_WALLS)
    for table in reversed(WALLED):
        op.execute(f"DROP TABLE {table}")
    op.execute("DROP FUNCTION audit_is_append_only")
