{#- Names and labels. Each takes the data of the calling chart: include("common.labels", ctx). -#}

{%- macro fullname(ctx) -%}
{{ ctx.Release.Name if ctx.Chart.Name in ctx.Release.Name else ctx.Release.Name ~ "-" ~ ctx.Chart.Name }}
{%- endmacro -%}

{%- macro selector(ctx) -%}
app.kubernetes.io/name: {{ ctx.Chart.Name }}
app.kubernetes.io/instance: {{ ctx.Release.Name }}
{%- endmacro -%}

{%- macro labels(ctx) -%}
{{ selector(ctx) }}
app.kubernetes.io/version: {{ ctx.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ ctx.Release.Service }}
helm.sh/chart: {{ ctx.Chart.Name }}-{{ ctx.Chart.Version }}
{%- endmacro -%}
