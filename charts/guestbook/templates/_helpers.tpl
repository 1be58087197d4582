{#- What the templates of this chart share. -#}

{%- macro name(component) -%}
{%- set base = Release.Name if Chart.Name in Release.Name else Release.Name ~ "-" ~ Chart.Name -%}
{{ base | trunc(40) | trimSuffix("-") }}-{{ component }}
{%- endmacro -%}

{%- macro selector(component) -%}
app.kubernetes.io/name: {{ Chart.Name }}
app.kubernetes.io/instance: {{ Release.Name }}
app.kubernetes.io/component: {{ component }}
{%- endmacro -%}

{%- macro labels(component) -%}
{{ selector(component) }}
app.kubernetes.io/version: {{ Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ Release.Service }}
helm.sh/chart: {{ Chart.Name }}-{{ Chart.Version }}
{%- endmacro -%}

{#- The URL of another component. Every pod is told the address of each Service that was there before it. -#}
{%- macro url(component) -%}
{%- set service = name(component) | upper | replace("-", "_") -%}
http://$({{ service }}_SERVICE_HOST):$({{ service }}_SERVICE_PORT)
{%- endmacro -%}

{#- One component's container: its program is files/COMPONENT.py; `env` lists {name, value} or {name, file}. -#}
{%- macro container(component, port, resources, env) -%}
- name: {{ component }}
  image: {{ Values.image.repository }}:{{ Values.image.tag }}
  imagePullPolicy: {{ Values.image.pullPolicy }}
  # The program comes from the ConfigMap by the environment, so it runs in any image that has Python.
  command: [python3, -c, "import os; exec(compile(os.environ['PROGRAM'], '{{ component }}.py', 'exec'))"]
  env:
    - name: PROGRAM
      valueFrom:
        configMapKeyRef: {name: {{ name("programs") }}, key: {{ component }}.py}
    - name: POD_NAME
      valueFrom:
        fieldRef: {fieldPath: metadata.name}
    - name: POD_IP
      valueFrom:
        fieldRef: {fieldPath: status.podIP}
    - {name: PORT, value: {{ port | int | quote }}}
    - {name: DRAIN_SECONDS, value: {{ Values.drainSeconds | quote }}}
{%- for variable in env %}
{%- if variable.file is defined %}
    - name: {{ variable.name }}
      valueFrom:
        configMapKeyRef: {name: {{ name("programs") }}, key: {{ variable.file }}}
{%- else %}
    - {name: {{ variable.name }}, value: {{ variable.value | quote }}}
{%- endif %}
{%- endfor %}
  ports:
    - {name: http, containerPort: {{ port | int }}}
  readinessProbe:
    httpGet: {path: /healthz, port: http}
    periodSeconds: 2
  livenessProbe:
    httpGet: {path: /healthz, port: http}
    initialDelaySeconds: 5
    periodSeconds: 10
  resources: {{ resources | toJson }}
{%- endmacro -%}
