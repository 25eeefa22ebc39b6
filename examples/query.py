#!/usr/bin/env pyscript
# /// script
# requires-python = ">=3.11"
# dependencies = ["duckdb>=1,<3"]
# ///
"""Ask a folder of CSV and Parquet files a question in SQL; every file is a table of its own name.

    query.py                                            the tables in data/, and a join of two of them
    query.py "from coffee where Origin = 'Kenya'"
    query.py --folder ~/exports "select count(*) from orders" --csv

SQL as DuckDB speaks it: https://duckdb.org/docs/stable/sql/introduction
"""

from __future__ import annotations

import argparse
import csv
import sys
from pathlib import Path

import duckdb

DATA = Path(__file__).parent / "data"
CHRISTMAS_COFFEE = """
    select Bean, supplier as Supplier, "Dec" as kg, round("Dec" * price_per_kg, 2) as cost
    from coffee join suppliers using (origin)
    order by cost desc
"""


def open_folder(folder: Path) -> tuple[duckdb.DuckDBPyConnection, list[str]]:
    """Make every file of the folder a view; return the connection and the names."""
    connection = duckdb.connect()
    names = []
    for path in sorted(folder.iterdir()):
        if path.suffix == ".csv":
            connection.read_csv(str(path)).create_view(path.stem)
        elif path.suffix == ".parquet":
            connection.read_parquet(str(path)).create_view(path.stem)
        else:
            continue
        names.append(path.stem)
    return connection, names


def write_csv(answer: duckdb.DuckDBPyRelation) -> None:
    """Write the answer for the next program in the pipe."""
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(answer.columns)
    writer.writerows(answer.fetchall())


def main() -> None:
    """Read the command line, print the answer."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sql", nargs="?", help="the question (default: what the coffee for December costs)")
    parser.add_argument("--folder", type=Path, default=DATA, help="where the files are (default: data/)")
    parser.add_argument("--csv", action="store_true", help="print CSV instead of a table")
    options = parser.parse_args()
    if not options.folder.is_dir():
        parser.error(f"{options.folder} is not a folder")

    try:
        connection, names = open_folder(options.folder)
        if options.sql is None:
            print(f"Tables: {', '.join(names)}")
        answer = connection.sql(options.sql or (CHRISTMAS_COFFEE if options.folder == DATA else "show tables"))
        if answer is None:
            parser.exit(0, "Done; there is nothing to show.\n")
        if options.csv:
            write_csv(answer)
        else:
            answer.show(max_rows=60)
    except duckdb.Error as error:
        parser.exit(1, f"{error}\n")


if __name__ == "__main__":
    main()
