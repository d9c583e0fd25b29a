"""When somebody last showed who they are; and no tenant lets itself in again."""

from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None

# Column privileges know no row, and a policy does not see what stood there before.
FUNCTION = """
CREATE FUNCTION tenant_is_let_in_from_above() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF current_user = 'forecourt_tenant'
    AND NOT coalesce(current_setting('forecourt.tenant', true) = ANY (OLD.above), false)
  THEN
    RAISE EXCEPTION 'a tenant is shut out and let in by those above it alone'
      USING ERRCODE = 'insufficient_privilege';
  END IF;
  RETURN NEW;
END $$
"""


def upgrade() -> None:
    op.execute("ALTER TABLE logins ADD COLUMN authenticated_at timestamptz NOT NULL DEFAULT now()")
    op.execute("UPDATE logins SET authenticated_at = created_at")
    op.execute(FUNCTION)
    op.execute(
        "CREATE TRIGGER let_in_from_above BEFORE UPDATE OF disabled_at ON tenants FOR EACH ROW"
        " WHEN (OLD.disabled_at IS DISTINCT FROM NEW.disabled_at)"
        " EXECUTE FUNCTION tenant_is_let_in_from_above()"
    )


def downgrade() -> None:
    op.execute("DROP TRIGGER let_in_from_above ON tenants")
    op.execute("DROP FUNCTION tenant_is_let_in_from_above()")
    op.execute("ALTER TABLE logins DROP COLUMN authenticated_at")
