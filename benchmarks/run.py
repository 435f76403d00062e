"""Runs all benchmarks, and prints one table."""

import batch
import decoding
import events
import generated
import growth
import hostile
import imports
import operations
import processes
import purchases
import quota
import round_trip
import sandbox
import soak
import stalls
import store_costs
import storms
import testing
from _measure import is_quick, print_table

if __name__ == "__main__":
    quick = is_quick()
    print_table(
        [
            row
            for script in (
                imports,
                decoding,
                events,
                round_trip,
                generated,
                quota,
                operations,
                processes,
                hostile,
                batch,
                purchases,
                growth,
                storms,
                soak,
                stalls,
                store_costs,
                testing,
                sandbox,
            )
            for row in script.compare(quick=quick)
        ]
    )
