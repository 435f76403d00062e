"""All benchmarks, one after the other, and one table in the end."""

import decoding
import generated
import imports
import quota
import round_trip
import soak
import storms
from _measure import is_quick, print_table

if __name__ == "__main__":
    quick = is_quick()
    print_table(
        [
            row
            for script in (imports, decoding, round_trip, generated, quota, storms, soak)
            for row in script.compare(quick=quick)
        ]
    )
