"""The Jinja2 front end: charts that say `engine: jinja2`.

A template sees Helm's objects as variables (Values, Chart, Release, Capabilities, Files, Template, Subcharts, and all
of them together as `ctx`), and every template function both as a function and as a filter; in a filter the piped
value is the last argument, as in Go (`name | trunc(40) | quote`). Where Jinja2 has a filter of the same name, Helm's
counts, but for those whose meaning hangs on Jinja2's sequences (list, map, min, max, round, sort …).

Named templates. Every macro and block at the top of a Jinja2 file can be included from any other file of the program,
in either dialect, by its own name and as `CHART.NAME` (the chart's name): `include("guestbook.labels", ctx)` in
Jinja2, `{{ include "guestbook.labels" . }}` in Go. A macro is called with the data as its argument, when it takes
any; its free variables are looked up in the data, or, when that is no scope, in its own chart's. `define`s of
Go-template charts are reached the same way. Within a chart, `{% import "_helpers.tpl" as h with context %}` and
`{% extends %}`/`{% include %}` take names relative to the file's folder or to templates/.

Blanks. A line that holds nothing but a `{% tag %}` without dash leaves nothing behind; `{%- … -%}` mean what they
mean in Jinja2. Missing values: a name that does not exist is false in a test and can be given a `default`; anything
else done with it fails with its place and what was probably meant (with `strict`, tests fail as well).
"""
