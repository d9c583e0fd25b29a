"""How a station comes in: its least security profile, the password that follows, its pings."""

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

COLUMNS = (
    "security_profile smallint NOT NULL DEFAULT 0 CHECK (security_profile BETWEEN 0 AND 3)",
    "profile_wanted smallint CHECK (profile_wanted BETWEEN 1 AND 3)",
    "profile_used smallint NOT NULL DEFAULT 0",
    "password_next bytea",
    "certificate_name text NOT NULL DEFAULT ''",
    "ping text NOT NULL DEFAULT 'auto' CHECK (ping IN ('auto', 'always', 'never'))",
)


def upgrade() -> None:
    for column in COLUMNS:
        op.execute(f"ALTER TABLE stations ADD COLUMN {column}")
    # A password was asked of these all along.
    op.execute("UPDATE stations SET security_profile = 1 WHERE password IS NOT NULL")


def downgrade() -> None:
    for column in reversed(COLUMNS):
        op.execute(f"ALTER TABLE stations DROP COLUMN {column.split()[0]}")
