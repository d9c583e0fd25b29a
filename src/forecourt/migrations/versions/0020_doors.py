"""One editor at a time, and requests that are asked twice and done once."""

from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

# Addresses and keys are whatever somebody sends: digests of them are short, and tell nothing.
TABLES = """
CREATE TABLE edits (
  tenant_id text NOT NULL REFERENCES tenants,
  address bytea NOT NULL,
  version bigint NOT NULL,
  PRIMARY KEY (tenant_id, address)
);
CREATE TABLE repeats (
  tenant_id text NOT NULL REFERENCES tenants,
  actor text NOT NULL,
  key text NOT NULL,
  request bytea NOT NULL,
  began_at timestamptz NOT NULL,
  answer bytea,
  PRIMARY KEY (tenant_id, actor, key)
);
CREATE INDEX repeats_began ON repeats (began_at);
"""

WALLED = ("edits", "repeats")


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
