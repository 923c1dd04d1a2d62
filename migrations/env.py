"""How Alembic connects; the URL comes from `core.db.migrate`."""

from alembic import context
from sqlalchemy import create_engine, pool

from core.db.models import Base

url = context.config.get_main_option("sqlalchemy.url")
if url is None:
    raise SystemExit("run migrations with: soonish db upgrade")

engine = create_engine(url, poolclass=pool.NullPool)
with engine.connect() as connection:
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("PRAGMA journal_mode=WAL")
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        compare_type=True,
        render_as_batch=connection.dialect.name == "sqlite",
    )
    with context.begin_transaction():
        context.run_migrations()
    connection.commit()
engine.dispose()
