"""`python -m benchmarks [SECTION…]`: measure all sections or some, and write them into docs/benchmarks.md."""

import argparse
import importlib
import sys

from benchmarks.document import PATH, write

SECTIONS = {
    "worker": "Batcher and local engine",
    "reading": "What reads: summaries, sentiment, fact",
    "seeing": "What sees: pictures, digits, faces",
    "scraping": "Fetching from an exchange",
    "forecast": "Forecasts",
    "clustering": "Reviews into topics",
    "jobs": "What runs on a schedule",
    "ray": "The Ray engine",
    "roundtrip": "The whole way, from the chat page and back",
}


def main() -> None:
    """Measure and write. Each section is a module here with `section()`, which returns Markdown."""
    parser = argparse.ArgumentParser(prog="benchmarks", description="Measure speed and memory.")
    parser.add_argument("sections", nargs="*", metavar="SECTION", help=f"of {', '.join(SECTIONS)}")
    chosen = parser.parse_args().sections or list(SECTIONS)
    if unknown := set(chosen) - set(SECTIONS):
        parser.error(f"there is no section {', '.join(sorted(unknown))}; there are {', '.join(SECTIONS)}")
    for name in chosen:
        sys.stderr.write(f"measuring: {SECTIONS[name]}\n")
        body = importlib.import_module(f"benchmarks.{name}").section()
        write(name, SECTIONS[name], body)
        print(body, end="\n\n")
    print(f"written to {PATH}")


if __name__ == "__main__":
    main()
