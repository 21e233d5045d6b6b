{{- define "wharf.name" -}}
{{- if contains "wharf" .Release.Name }}{{ .Release.Name | trunc 52 | trimSuffix "-" }}{{ else }}{{ printf "%s-wharf" .Release.Name | trunc 52 | trimSuffix "-" }}{{ end }}
{{- end }}

{{- define "wharf.selector" -}}
app.kubernetes.io/name: wharf
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "wharf.labels" -}}
{{ include "wharf.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
{{- end }}

{{- define "wharf.secret" -}}
{{ .Values.existingSecret | default (include "wharf.name" .) }}
{{- end }}

{{/* A variable from the secret. */}}
{{- define "wharf.fromSecret" -}}
- name: {{ index . 1 }}
  valueFrom:
    secretKeyRef:
      name: {{ include "wharf.secret" (index . 0) }}
      key: {{ index . 2 }}
{{- end }}

{{/* What cannot work is refused here instead of at the first start. */}}
{{- define "wharf.checked" -}}
{{- if gt (int .Values.replicas) 1 }}
{{- range $part := list "database" "nats" "media" }}
{{- if not (get (get $.Values $part) "enabled") }}{{ fail (printf "more than one replica needs %s.enabled: what one node has the others must find" $part) }}{{ end }}
{{- end }}
{{- end }}
{{- if and .Values.nats.enabled (not .Values.database.enabled) }}{{ fail "nats without database: SQLite belongs to one node" }}{{ end }}
{{- if .Values.media.enabled }}
{{- if not (and .Values.media.bucket .Values.media.endpoint) }}{{ fail "media.enabled needs media.bucket and media.endpoint" }}{{ end }}
{{- end }}
{{- if not .Values.existingSecret }}
{{- if not .Values.masterKey }}{{ fail "masterKey or existingSecret is needed: openssl rand -base64 32" }}{{ end }}
{{- if and .Values.database.enabled (not .Values.database.url) }}{{ fail "database.enabled needs database.url or existingSecret" }}{{ end }}
{{- if and .Values.nats.enabled (not .Values.nats.url) }}{{ fail "nats.enabled needs nats.url or existingSecret" }}{{ end }}
{{- if and .Values.media.enabled (not (and .Values.media.accessKey .Values.media.secretKey)) }}{{ fail "media.enabled needs media.accessKey and media.secretKey, or existingSecret" }}{{ end }}
{{- end }}
{{- end }}
