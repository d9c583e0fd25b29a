"""The machines: PostgreSQL, the unit of work, the group commit, the outbox, logs and metrics."""
