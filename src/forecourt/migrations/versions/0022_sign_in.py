"""Passkeys, single sign-on, one-time secrets, and tenants below tenants."""

from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

TABLES = """
CREATE TABLE passkeys (
  passkey_id text PRIMARY KEY,
  tenant_id text NOT NULL REFERENCES tenants,
  user_id text NOT NULL REFERENCES users ON DELETE CASCADE,
  credential bytea NOT NULL UNIQUE,
  public_key bytea NOT NULL,
  sign_count bigint NOT NULL,
  name text NOT NULL,
  synced boolean NOT NULL,
  created_at timestamptz NOT NULL,
  used_at timestamptz
);
CREATE INDEX passkeys_user ON passkeys (user_id);
CREATE TABLE one_time_secrets (
  digest bytea PRIMARY KEY,
  tenant_id text NOT NULL REFERENCES tenants,
  purpose text NOT NULL,
  user_id text REFERENCES users ON DELETE CASCADE,
  body bytea NOT NULL,
  created_at timestamptz NOT NULL,
  expires_at timestamptz NOT NULL
);
CREATE INDEX one_time_secrets_purpose ON one_time_secrets (purpose, created_at);
CREATE TABLE sso_providers (
  provider_id text PRIMARY KEY,
  tenant_id text NOT NULL REFERENCES tenants,
  name text NOT NULL,
  issuer text NOT NULL,
  client_id text NOT NULL,
  client_secret bytea NOT NULL,
  domains text[] NOT NULL,
  role_claim text NOT NULL,
  roles jsonb NOT NULL,
  default_role text,
  invites_only boolean NOT NULL,
  trusts_email boolean NOT NULL,
  created_at timestamptz NOT NULL,
  disabled_at timestamptz
);
CREATE TABLE sso_identities (
  provider_id text NOT NULL REFERENCES sso_providers ON DELETE CASCADE,
  subject text NOT NULL,
  tenant_id text NOT NULL REFERENCES tenants,
  user_id text NOT NULL REFERENCES users ON DELETE CASCADE,
  created_at timestamptz NOT NULL,
  PRIMARY KEY (provider_id, subject)
);
CREATE INDEX sso_identities_user ON sso_identities (user_id);
CREATE TABLE site_shares (
  share_id text PRIMARY KEY,
  tenant_id text NOT NULL REFERENCES tenants,
  guest_id text NOT NULL REFERENCES tenants,
  name text NOT NULL,
  sites text[] NOT NULL CHECK (cardinality(sites) > 0),
  created_at timestamptz NOT NULL
);
CREATE INDEX site_shares_guest ON site_shares (guest_id);
"""

WALLED = ("passkeys", "one_time_secrets", "sso_providers", "sso_identities", "site_shares")

COLUMNS = """
ALTER TABLE tenants
  ADD COLUMN kind text NOT NULL DEFAULT 'operator',
  ADD COLUMN above text[] NOT NULL DEFAULT '{}',
  ADD COLUMN disabled_at timestamptz;
CREATE INDEX tenants_above ON tenants USING gin (above);
ALTER TABLE users ADD COLUMN recovery bytea[] NOT NULL DEFAULT '{}';
ALTER TABLE logins
  ADD COLUMN login_id text NOT NULL DEFAULT 'lgn_' || gen_random_uuid(),
  ADD COLUMN method text NOT NULL DEFAULT 'password',
  ADD COLUMN provider_id text REFERENCES sso_providers ON DELETE SET NULL,
  ADD COLUMN acting text NOT NULL DEFAULT '';
CREATE UNIQUE INDEX logins_id ON logins (login_id)
"""

# A tenant sees those below it and makes them; what these own stays theirs: nobody's rows but the
# session's own tenant's are ever seen.
BELOW = "current_setting('forecourt.tenant', true) = ANY (above)"
TENANTS = f"""
GRANT INSERT ON tenants TO forecourt_tenant;
GRANT UPDATE (disabled_at) ON tenants TO forecourt_tenant;
CREATE POLICY below ON tenants TO forecourt_tenant USING ({BELOW}) WITH CHECK ({BELOW})
"""


def upgrade() -> None:
    for statements in (TABLES, COLUMNS, TENANTS):
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
    op.execute("DROP POLICY below ON tenants")
    op.execute("REVOKE INSERT ON tenants FROM forecourt_tenant")
    op.execute("REVOKE UPDATE (disabled_at) ON tenants FROM forecourt_tenant")
    op.execute(
        "ALTER TABLE logins DROP COLUMN login_id, DROP COLUMN method,"
        " DROP COLUMN provider_id, DROP COLUMN acting"
    )
    op.execute("ALTER TABLE users DROP COLUMN recovery")
    op.execute("ALTER TABLE tenants DROP COLUMN kind, DROP COLUMN above, DROP COLUMN disabled_at")
    for table in reversed(WALLED):
        op.execute(f"DROP TABLE {table}")
