"""The tables of this room."""

from typing import Final

from sqlalchemy import ARRAY, Column, DateTime, Integer, LargeBinary, Table, Text

from forecourt.infra.database import metadata

authorities: Final = Table(
    "authorities",
    metadata,
    Column("authority_id", Text, primary_key=True),
    Column("tenant_id", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("parent_id", Text),
    Column("certificate", LargeBinary, nullable=False),
    Column("fingerprint", Text, nullable=False),
    Column("key", LargeBinary),
    Column("expires_at", DateTime(timezone=True), nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
)

certificates: Final = Table(
    "certificates",
    metadata,
    Column("certificate_id", Text, primary_key=True),
    Column("tenant_id", Text, nullable=False),
    Column("use", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("hosts", ARRAY(Text), nullable=False),
    Column("station_id", Text),
    Column("authority_id", Text),
    Column("serial", Text, nullable=False),
    Column("fingerprint", Text, nullable=False),
    Column("chain", ARRAY(LargeBinary), nullable=False),
    Column("key", LargeBinary),
    Column("starts_at", DateTime(timezone=True), nullable=False),
    Column("expires_at", DateTime(timezone=True), nullable=False),
    Column("renewal_asked_at", DateTime(timezone=True)),
    Column("warned_at", DateTime(timezone=True)),
    Column("created_at", DateTime(timezone=True), nullable=False),
)

revocations: Final = Table(
    "revocations",
    metadata,
    Column("tenant_id", Text, primary_key=True),
    Column("authority_id", Text, primary_key=True),
    Column("serial", Text, primary_key=True),
    Column("certificate_id", Text),
    Column("reason", Text, nullable=False),
    Column("revoked_at", DateTime(timezone=True), nullable=False),
)

signing_requests: Final = Table(
    "signing_requests",
    metadata,
    Column("request_id", Text, primary_key=True),
    Column("tenant_id", Text, nullable=False),
    Column("station_id", Text, nullable=False),
    Column("use", Text, nullable=False),
    Column("csr", LargeBinary, nullable=False),
    Column("digest", LargeBinary, nullable=False),
    Column("subject", Text, nullable=False),
    Column("organization", Text, nullable=False),
    Column("reference", Integer),
    Column("state", Text, nullable=False),
    Column("detail", Text, nullable=False),
    Column("certificate_id", Text),
    Column("attempts", Integer, nullable=False),
    Column("due_at", DateTime(timezone=True)),
    Column("requested_at", DateTime(timezone=True), nullable=False),
    Column("settled_at", DateTime(timezone=True)),
)

installed_certificates: Final = Table(
    "installed_certificates",
    metadata,
    Column("station_id", Text, primary_key=True),
    Column("kind", Text, primary_key=True),
    Column("hash_algorithm", Text, primary_key=True),
    Column("issuer_name_hash", Text, primary_key=True),
    Column("issuer_key_hash", Text, primary_key=True),
    Column("serial", Text, primary_key=True),
    Column("tenant_id", Text, nullable=False),
    Column("leaf_serial", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("expires_at", DateTime(timezone=True)),
    Column("warned_at", DateTime(timezone=True)),
    Column("reported_at", DateTime(timezone=True), nullable=False),
)

contract_certificates: Final = Table(
    "contract_certificates",
    metadata,
    Column("tenant_id", Text, primary_key=True),
    Column("fingerprint", Text, primary_key=True),
    Column("emaid", Text, nullable=False),
    Column("serial", Text, nullable=False),
    Column("chain", ARRAY(LargeBinary), nullable=False),
    Column("starts_at", DateTime(timezone=True), nullable=False),
    Column("expires_at", DateTime(timezone=True), nullable=False),
    Column("cancelled_at", DateTime(timezone=True)),
    Column("seen_at", DateTime(timezone=True), nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
)
