"""Run a query ten times through perfctl, and print how long the quickest took: what `metrics compare` measures.

python query_bench.py 'SELECT ...'; with PERFCTL_METRICS__PUBLISH=true what it took goes to the history, for
`metrics check`.
"""

import asyncio
import json
import sys
import time

from perfctl import PerformanceOptimizer
from perfctl.config import load_settings

TIMES = 10


async def seconds_of(query: str) -> list[float]:
    """How long each run took."""
    took = []
    async with PerformanceOptimizer.from_settings(load_settings()) as optimizer:
        for _ in range(TIMES):
            started = time.perf_counter()
            await optimizer.database.execute_optimized_query(query)
            took.append(time.perf_counter() - started)
    return took


if __name__ == "__main__":
    print(json.dumps({"data": {"best_ms": min(asyncio.run(seconds_of(sys.argv[1]))) * 1000}}))
