"""What every other part of the cluster speaks: names, objects, selectors, quantities, patches, errors.

Pure: nothing here does input or output, reads a clock, or knows a kind.
"""
