"""The chart engine: two template dialects, one library of functions, one runtime, one cache."""
