"""Go's text formats, as charts meet them: numbers, quoting, YAML, JSON and TOML.

The lowest layer beside `errors`: charts, values and the engine all read and write these. It knows data only, never a
chart, a value's origin or a template.
"""
