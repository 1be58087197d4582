"""Values: where they come from, how they merge, what they must keep, which subcharts they switch on.

Pure: reading files and URLs is handed in. `sources.merge_sources` makes the user's values of all flags,
`dependencies.process` settles a chart's subcharts, `coalesce.coalesce_values` gives what templates see.
"""
