"""`./dev bench [name …] [--json]`: exit 1 when a message was lost or came twice, 2 when there is no such measure."""

import asyncio
import dataclasses
import json
import sys

from bench.measures import MEASURES, Row


def main() -> int:
    names = [name for name in sys.argv[1:] if not name.startswith("-")] or list(MEASURES)
    unknown = [name for name in names if name not in MEASURES]
    if unknown:
        print(f"There is no measure {', '.join(unknown)}. There are: {', '.join(MEASURES)}.", file=sys.stderr)
        return 2
    results: dict[str, list[Row]] = {}
    for name in names:
        results[name] = asyncio.run(MEASURES[name]())  # type: ignore[arg-type]
        if "--json" not in sys.argv:
            print(f"{name}\n" + "\n".join(f"  {row.what:<36}{row.value:>10.2f} {row.unit}" for row in results[name]))
    if "--json" in sys.argv:
        print(json.dumps({name: [dataclasses.asdict(row) for row in rows] for name, rows in results.items()}))
    broken = [f"{name}: {row.value:g} {row.what}" for name in names for row in results[name] if _wrong(row)]
    if broken:
        print(f"FAILED. {'; '.join(broken)}", file=sys.stderr)
    return 1 if broken else 0


def _wrong(row: Row) -> bool:
    return row.must_be_zero and row.value != 0


if __name__ == "__main__":
    sys.exit(main())
