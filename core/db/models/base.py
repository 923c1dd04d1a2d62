"""What every table shares."""

import datetime as dt
from typing import Any, ClassVar

from sqlalchemy import JSON, BigInteger, CheckConstraint, Index, Integer, MetaData, String, text
from sqlalchemy.orm import DeclarativeBase, Mapped, declared_attr, mapped_column

from core.db.types import UtcDateTime

# SQLite autoincrements only a column of exactly type INTEGER.
BigId = BigInteger().with_variant(Integer(), "sqlite")


class Base(DeclarativeBase):
    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map: ClassVar[dict[Any, Any]] = {
        dt.datetime: UtcDateTime(),
        str: String(),
        dict[str, Any]: JSON(),
    }


class Numbered:
    """An integer key that is never given twice: the ledger and old links refer to it."""

    id: Mapped[int] = mapped_column(BigId, primary_key=True, sort_order=-2)
    created_at: Mapped[dt.datetime] = mapped_column(sort_order=-1)

    @declared_attr.directive
    @classmethod
    def __table_args__(cls) -> Any:
        return (*cls.constraints(), {"sqlite_autoincrement": True})

    @classmethod
    def constraints(cls) -> tuple[Any, ...]:
        return ()


def found_by(name: str, column: str) -> Index:
    """For a reference that most rows do not have: who erases the row it names must not read this whole table."""
    there = text(f"{column} IS NOT NULL")
    return Index(name, column, sqlite_where=there, postgresql_where=there)


def one_of(column: str, *values: str) -> CheckConstraint:
    """A column that holds one of a few words."""
    return CheckConstraint(f"{column} IN ({', '.join(repr(value) for value in values)})", name=column)
