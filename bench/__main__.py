"""`./dev bench [name …] [--json]`: exit 1 when a message was lost or came twice, 2 when it was typed wrong."""

import argparse
import asyncio
import dataclasses
import json
import sys

from bench.measures import MEASURES
from bench.rows import Row


def main() -> int:
    parser = argparse.ArgumentParser("./dev bench", description="Measures Soonish; ratios compare things of one run.")
    parser.add_argument("name", nargs="*", help=f"Unset: all of them. There are: {', '.join(MEASURES)}.")
    parser.add_argument("--json", action="store_true", help="Print one JSON document.")
    asked = parser.parse_args()
    names: list[str] = asked.name or list(MEASURES)
    unknown = [name for name in names if name not in MEASURES]
    if unknown:
        print(f"There is no measure {', '.join(unknown)}. There are: {', '.join(MEASURES)}.", file=sys.stderr)
        return 2
    results: dict[str, list[Row]] = {}
    for name in names:
        results[name] = asyncio.run(MEASURES[name]())  # type: ignore[arg-type]
        if not asked.json:
            print(f"{name}\n" + "\n".join(f"  {row.what:<46}{row.value:>10.2f} {row.unit}" for row in results[name]))
    if asked.json:
        print(json.dumps({name: [dataclasses.asdict(row) for row in rows] for name, rows in results.items()}))
    broken = [f"{name}: {row.value:g} {row.what}" for name in names for row in results[name] if _wrong(row)]
    if broken:
        print(f"FAILED. {'; '.join(broken)}", file=sys.stderr)
    return 1 if broken else 0


def _wrong(row: Row) -> bool:
    return row.must_be_zero and row.value != 0


if __name__ == "__main__":
    sys.exit(main())
