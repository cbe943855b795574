"""Rules of servers: who may use a plugin, where and how often; and an audit log that cannot be changed afterwards."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

ACTS = ("UPDATE", "DELETE")


def upgrade() -> None:
    op.create_table(
        "plugin_rule",
        sa.Column("plugin", sa.String(64), primary_key=True),
        sa.Column("guild_id", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("roles", sa.Text, nullable=False),
        sa.Column("channels", sa.Text, nullable=False),
        sa.Column("burst", sa.Integer),
        sa.Column("per_minute", sa.Float),
        sa.Column("cooldown_seconds", sa.Float, nullable=False),
        sa.Column("changed_ms", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "server_rule",
        sa.Column("guild_id", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("locale", sa.String(16)),
        sa.Column("post_channels", sa.Text, nullable=False),
        sa.Column("changed_ms", sa.BigInteger, nullable=False),
    )
    with op.batch_alter_table("quota") as quota:
        quota.alter_column("bucket", type_=sa.String(160), existing_type=sa.String(80))
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            "CREATE FUNCTION hearth_append_only() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN RAISE EXCEPTION 'the audit log is append-only'; END $$"
        )
        op.execute(
            "CREATE TRIGGER audit_append_only BEFORE UPDATE OR DELETE ON audit "
            "FOR EACH ROW EXECUTE FUNCTION hearth_append_only()"
        )
        return
    for act in ACTS:
        op.execute(
            f"CREATE TRIGGER audit_no_{act.lower()} BEFORE {act} ON audit "
            "BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END"
        )


def downgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP TRIGGER audit_append_only ON audit")
        op.execute("DROP FUNCTION hearth_append_only()")
    else:
        for act in ACTS:
            op.execute(f"DROP TRIGGER audit_no_{act.lower()}")
    # Longer keys are of rules, which go; their counts with them.
    op.execute("DELETE FROM quota WHERE length(bucket) > 80")
    with op.batch_alter_table("quota") as quota:
        quota.alter_column("bucket", type_=sa.String(80), existing_type=sa.String(160))
    for table in ("server_rule", "plugin_rule"):
        op.drop_table(table)
