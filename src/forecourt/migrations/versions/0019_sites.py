"""Sites are rows: the names that stations carry become places with an address and a time zone."""

from alembic import op

revision = "0019"
down_revision = "0016"
branch_labels = None
depends_on = None

TABLE = """
CREATE TABLE sites (
  tenant_id text NOT NULL REFERENCES tenants,
  site_id text NOT NULL,
  name text NOT NULL,
  address text[] NOT NULL,
  postal_code text NOT NULL,
  city text NOT NULL,
  country text NOT NULL,
  latitude double precision,
  longitude double precision,
  zone text NOT NULL,
  hours json NOT NULL,
  created_at timestamptz NOT NULL,
  PRIMARY KEY (tenant_id, site_id),
  CHECK ((latitude IS NULL) = (longitude IS NULL))
)
"""

WALLED = ("sites",)

# The names in use so far; somebody may be bound to one where no station stands yet.
NAMED = """
INSERT INTO sites
SELECT tenant_id, site, site, '{}', '', '', '', NULL, NULL, '', '[]', now() FROM (
  SELECT tenant_id, site FROM stations UNION SELECT tenant_id, unnest(sites) FROM users) AS named
WHERE site <> ''
"""

# A station without a site has the empty name, which is no site: the reference leaves it out.
REFERENCE = """
ALTER TABLE stations
  ADD COLUMN site_id text GENERATED ALWAYS AS (nullif(site, '')) STORED,
  ADD CONSTRAINT stations_site FOREIGN KEY (tenant_id, site_id) REFERENCES sites
"""

# Events are about stations, and now about sites: who is bound to some sees theirs, and may tell.
EVENTS = """
CREATE POLICY sites ON events AS RESTRICTIVE TO forecourt_tenant USING (
  coalesce(current_setting('forecourt.sites', true), '') = ''
  OR subject IN (SELECT s.station_id FROM stations s){more})
"""
OF_SITES = " OR (type LIKE 'site.%' AND subject IN (SELECT p.site_id FROM sites p))"


def upgrade() -> None:
    op.execute(TABLE)
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON sites TO forecourt_tenant")
    op.execute("ALTER TABLE sites ENABLE ROW LEVEL SECURITY")
    op.execute(
        "CREATE POLICY tenant ON sites TO forecourt_tenant"
        " USING (tenant_id = current_setting('forecourt.tenant', true))"
        " WITH CHECK (tenant_id = current_setting('forecourt.tenant', true))"
    )
    op.execute(
        "CREATE POLICY sites ON sites AS RESTRICTIVE TO forecourt_tenant USING ("
        " coalesce(current_setting('forecourt.sites', true), '') = ''"
        " OR site_id = ANY (string_to_array(current_setting('forecourt.sites', true), E'\\n')))"
    )
    op.execute("DROP POLICY sites ON events")
    op.execute(EVENTS.format(more=OF_SITES))
    op.execute(NAMED)
    op.execute(REFERENCE)
    op.execute("CREATE INDEX stations_site ON stations (tenant_id, site_id)")
    # What was charged today is asked for by every page that an operator has open.
    op.execute("CREATE INDEX sessions_ended ON sessions (tenant_id, ended_at)")


def downgrade() -> None:
    op.execute("DROP INDEX sessions_ended")
    op.execute("DROP POLICY sites ON events")
    op.execute(EVENTS.format(more=""))
    op.execute("ALTER TABLE stations DROP COLUMN site_id")
    op.execute("DROP TABLE sites")
