"""The files of a new chart whose templates are Jinja2; `<CHARTNAME>` stands for its name."""

from __future__ import annotations

__all__ = ["TEMPLATES"]

_HELPERS = """\
{#- Macros that the templates of this chart share. -#}

{%- macro fullname() -%}
{%- set name = Values.nameOverride or Chart.Name -%}
{%- set full = Release.Name if name in Release.Name else Release.Name ~ "-" ~ name -%}
{{ (Values.fullnameOverride or full) | trunc(63) | trimSuffix("-") }}
{%- endmacro -%}

{%- macro selector() -%}
app.kubernetes.io/name: {{ (Values.nameOverride or Chart.Name) | trunc(63) | trimSuffix("-") }}
app.kubernetes.io/instance: {{ Release.Name }}
{%- endmacro -%}

{%- macro labels() -%}
helm.sh/chart: {{ (Chart.Name ~ "-" ~ Chart.Version) | replace("+", "_") | trunc(63) | trimSuffix("-") }}
{{ selector() }}
{%- if Chart.AppVersion %}
app.kubernetes.io/version: {{ Chart.AppVersion | quote }}
{%- endif %}
app.kubernetes.io/managed-by: {{ Release.Service }}
{%- endmacro -%}

{%- macro account() -%}
{{ Values.serviceAccount.name or (fullname() if Values.serviceAccount.create else "default") }}
{%- endmacro -%}
"""

_DEPLOYMENT = """\
{% import "_helpers.tpl" as chart with context -%}
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ chart.fullname() }}
  labels:
    {{- chart.labels() | nindent(4) }}
spec:
  {%- if not Values.autoscaling.enabled %}
  replicas: {{ Values.replicaCount | int }}
  {%- endif %}
  selector:
    matchLabels:
      {{- chart.selector() | nindent(6) }}
  template:
    metadata:
      labels:
        {{- chart.labels() | nindent(8) }}
    spec:
      serviceAccountName: {{ chart.account() }}
      containers:
        - name: {{ Chart.Name }}
          image: "{{ Values.image.repository }}:{{ Values.image.tag or Chart.AppVersion }}"
          imagePullPolicy: {{ Values.image.pullPolicy }}
          {%- if Values.command %}
          command:
            {{- Values.command | toYaml | nindent(12) }}
          {%- endif %}
          env:
            - name: POD_IP
              valueFrom:
                fieldRef:
                  fieldPath: status.podIP
          ports:
            - name: http
              containerPort: {{ Values.service.port | int }}
          {%- if Values.livenessProbe %}
          livenessProbe:
            {{- Values.livenessProbe | toYaml | nindent(12) }}
          {%- endif %}
          {%- if Values.readinessProbe %}
          readinessProbe:
            {{- Values.readinessProbe | toYaml | nindent(12) }}
          {%- endif %}
          {%- if Values.resources %}
          resources:
            {{- Values.resources | toYaml | nindent(12) }}
          {%- endif %}
"""

_SERVICE = """\
{% import "_helpers.tpl" as chart with context -%}
apiVersion: v1
kind: Service
metadata:
  name: {{ chart.fullname() }}
  labels:
    {{- chart.labels() | nindent(4) }}
spec:
  type: {{ Values.service.type }}
  ports:
    - name: http
      port: {{ Values.service.port | int }}
      targetPort: http
  selector:
    {{- chart.selector() | nindent(4) }}
"""

_ACCOUNT = """\
{% import "_helpers.tpl" as chart with context -%}
{% if Values.serviceAccount.create -%}
apiVersion: v1
kind: ServiceAccount
metadata:
  name: {{ chart.account() }}
  labels:
    {{- chart.labels() | nindent(4) }}
{%- endif %}
"""

_INGRESS = """\
{% import "_helpers.tpl" as chart with context -%}
{% if Values.ingress.enabled -%}
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: {{ chart.fullname() }}
  labels:
    {{- chart.labels() | nindent(4) }}
spec:
  {%- if Values.ingress.className %}
  ingressClassName: {{ Values.ingress.className }}
  {%- endif %}
  rules:
    {%- for host in Values.ingress.hosts %}
    - host: {{ host | quote }}
      http:
        paths:
          - path: /
            pathType: Prefix
            backend:
              service:
                name: {{ chart.fullname() }}
                port:
                  name: http
    {%- endfor %}
{%- endif %}
"""

_ROUTE = """\
{% import "_helpers.tpl" as chart with context -%}
{% if Values.httpRoute.enabled -%}
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata:
  name: {{ chart.fullname() }}
  labels:
    {{- chart.labels() | nindent(4) }}
spec:
  parentRefs:
    {{- Values.httpRoute.parentRefs | toYaml | nindent(4) }}
  hostnames:
    {{- Values.httpRoute.hostnames | toYaml | nindent(4) }}
  rules:
    - backendRefs:
        - name: {{ chart.fullname() }}
          port: {{ Values.service.port | int }}
{%- endif %}
"""

_SCALER = """\
{% import "_helpers.tpl" as chart with context -%}
{% if Values.autoscaling.enabled -%}
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata:
  name: {{ chart.fullname() }}
  labels:
    {{- chart.labels() | nindent(4) }}
spec:
  scaleTargetRef:
    apiVersion: apps/v1
    kind: Deployment
    name: {{ chart.fullname() }}
  minReplicas: {{ Values.autoscaling.minReplicas | int }}
  maxReplicas: {{ Values.autoscaling.maxReplicas | int }}
  metrics:
    - type: Resource
      resource:
        name: cpu
        target:
          type: Utilization
          averageUtilization: {{ Values.autoscaling.cpu | int }}
{%- endif %}
"""

_TEST = """\
{% import "_helpers.tpl" as chart with context -%}
apiVersion: v1
kind: Pod
metadata:
  name: {{ chart.fullname() | trunc(48) }}-test-connection
  labels:
    {{- chart.labels() | nindent(4) }}
  annotations:
    helm.sh/hook: test
spec:
  restartPolicy: Never
  containers:
    - name: fetch
      image: "{{ Values.image.repository }}:{{ Values.image.tag or Chart.AppVersion }}"
      {%- set service = chart.fullname() | upper | replace("-", "_") %}
      {%- set url = "http://$(" ~ service ~ "_SERVICE_HOST):$(" ~ service ~ "_SERVICE_PORT)/" %}
      command: [python3, -c, "import urllib.request as r; print(r.urlopen('{{ url }}').status)"]
"""

_NOTES = """\
{% import "_helpers.tpl" as chart with context -%}
{{ Chart.Name }} is installed as {{ Release.Name }}. Reach it from this machine:

  kubectl --namespace {{ Release.Namespace }} port-forward \\
    service/{{ chart.fullname() }} 8080:{{ Values.service.port | int }}
  http://127.0.0.1:8080/
"""

TEMPLATES: dict[str, str] = {
    "templates/_helpers.tpl": _HELPERS,
    "templates/deployment.yaml": _DEPLOYMENT,
    "templates/service.yaml": _SERVICE,
    "templates/serviceaccount.yaml": _ACCOUNT,
    "templates/ingress.yaml": _INGRESS,
    "templates/httproute.yaml": _ROUTE,
    "templates/hpa.yaml": _SCALER,
    "templates/tests/test-connection.yaml": _TEST,
    "templates/NOTES.txt": _NOTES,
}
"""Path in the chart -> text."""
