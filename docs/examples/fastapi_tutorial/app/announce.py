"""Tells everybody something, from a process of its own.

python -m app.announce "We close at six"
"""

import asyncio
import sys

from app.layers import register_layers, tell_everybody


def main() -> None:
    register_layers()
    asyncio.run(tell_everybody(" ".join(sys.argv[1:])))


if __name__ == "__main__":
    main()
