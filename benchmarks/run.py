"""Runs all benchmarks, and prints one table."""

import batches
import decoding
import events
import generated
import growth
import hostile
import imports
import in_memory
import no_wire
import observed
import operations
import processes
import purchases
import quota
import round_trip
import sandboxes
import soak
import stalls
import stopped_batches
import store_costs
import storms
import wires
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
                no_wire,
                round_trip,
                wires,
                generated,
                quota,
                observed,
                operations,
                processes,
                hostile,
                batches,
                stopped_batches,
                purchases,
                growth,
                storms,
                soak,
                stalls,
                store_costs,
                in_memory,
                sandboxes,
            )
            for row in script.compare(quick=quick)
        ]
    )
