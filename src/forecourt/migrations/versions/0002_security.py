"""The tables of the security room: authorities, certificates, requests, revocations, contracts."""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

TABLES = """
CREATE TABLE authorities (
  authority_id text PRIMARY KEY,
  tenant_id text NOT NULL REFERENCES tenants,
  role text NOT NULL,
  name text NOT NULL,
  parent_id text REFERENCES authorities,
  certificate bytea NOT NULL,
  fingerprint text NOT NULL,
  key bytea,
  expires_at timestamptz NOT NULL,
  created_at timestamptz NOT NULL,
  UNIQUE (tenant_id, fingerprint)
);
CREATE TABLE certificates (
  certificate_id text PRIMARY KEY,
  tenant_id text NOT NULL REFERENCES tenants,
  use text NOT NULL,
  subject text NOT NULL,
  hosts text[] NOT NULL,
  station_id text,
  authority_id text REFERENCES authorities,
  serial text NOT NULL,
  fingerprint text NOT NULL,
  chain bytea[] NOT NULL,
  key bytea,
  starts_at timestamptz NOT NULL,
  expires_at timestamptz NOT NULL,
  renewal_asked_at timestamptz,
  warned_at timestamptz,
  created_at timestamptz NOT NULL,
  UNIQUE (tenant_id, fingerprint)
);
CREATE INDEX certificates_station ON certificates (station_id, use, starts_at);
CREATE INDEX certificates_serial ON certificates (authority_id, serial);
CREATE INDEX certificates_expiry ON certificates (expires_at);
CREATE TABLE revocations (
  tenant_id text NOT NULL REFERENCES tenants,
  authority_id text NOT NULL,
  serial text NOT NULL,
  certificate_id text UNIQUE REFERENCES certificates,
  reason text NOT NULL,
  revoked_at timestamptz NOT NULL,
  PRIMARY KEY (tenant_id, authority_id, serial)
);
CREATE TABLE signing_requests (
  request_id text PRIMARY KEY,
  tenant_id text NOT NULL REFERENCES tenants,
  station_id text NOT NULL,
  use text NOT NULL,
  csr bytea NOT NULL,
  digest bytea NOT NULL,
  subject text NOT NULL,
  organization text NOT NULL,
  reference integer,
  state text NOT NULL CHECK (state IN
    ('requested', 'signed', 'accepted', 'rejected', 'failed', 'superseded')),
  detail text NOT NULL,
  certificate_id text REFERENCES certificates,
  attempts integer NOT NULL,
  due_at timestamptz,
  requested_at timestamptz NOT NULL,
  settled_at timestamptz
);
CREATE INDEX signing_requests_station ON signing_requests (station_id, requested_at);
CREATE UNIQUE INDEX signing_requests_open ON signing_requests (station_id, use)
  WHERE state IN ('requested', 'signed');
CREATE TABLE installed_certificates (
  station_id text NOT NULL,
  kind text NOT NULL,
  hash_algorithm text NOT NULL,
  issuer_name_hash text NOT NULL,
  issuer_key_hash text NOT NULL,
  serial text NOT NULL,
  tenant_id text NOT NULL REFERENCES tenants,
  leaf_serial text NOT NULL,
  subject text NOT NULL,
  expires_at timestamptz,
  warned_at timestamptz,
  reported_at timestamptz NOT NULL,
  PRIMARY KEY (station_id, kind, hash_algorithm, issuer_name_hash, issuer_key_hash, serial)
);
CREATE TABLE contract_certificates (
  tenant_id text NOT NULL REFERENCES tenants,
  fingerprint text NOT NULL,
  emaid text NOT NULL,
  serial text NOT NULL,
  chain bytea[] NOT NULL,
  starts_at timestamptz NOT NULL,
  expires_at timestamptz NOT NULL,
  cancelled_at timestamptz,
  seen_at timestamptz NOT NULL,
  created_at timestamptz NOT NULL,
  PRIMARY KEY (tenant_id, fingerprint)
);
CREATE INDEX contract_certificates_emaid ON contract_certificates (tenant_id, emaid);
"""

WALLED = (
    *("authorities", "certificates", "revocations", "signing_requests"),
    *("installed_certificates", "contract_certificates"),
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
    for table in (
        *("contract_certificates", "installed_certificates", "signing_requests", "revocations"),
        *("certificates", "authorities"),
    ):
        op.execute(f"DROP TABLE {table}")
