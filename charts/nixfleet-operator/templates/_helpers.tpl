{{- define "nixfleet.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 40 | trimSuffix "-" -}}
{{- end -}}

{{- define "nixfleet.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- $name := include "nixfleet.name" . -}}
{{- if contains $name .Release.Name -}}
{{- .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 40 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "nixfleet.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
app.kubernetes.io/name: {{ include "nixfleet.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
app.kubernetes.io/part-of: nixfleet
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* Annotations of an object: the common ones and those given. Call with a list of the root and a map. */}}
{{- define "nixfleet.annotations" -}}
{{- $all := merge (dict) (index . 1) (index . 0).Values.commonAnnotations -}}
{{- with $all }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{/* What selects the Pods of one role; call with a list of the root and the role. */}}
{{- define "nixfleet.selector" -}}
app.kubernetes.io/name: {{ include "nixfleet.name" (index . 0) }}
app.kubernetes.io/instance: {{ (index . 0).Release.Name }}
app.kubernetes.io/component: {{ index . 1 }}
{{- end -}}

{{- define "nixfleet.image" -}}
{{- $name := printf "%s/%s" .Values.image.registry .Values.image.repository -}}
{{- if .Values.image.digest -}}
{{- printf "%s@%s" $name .Values.image.digest -}}
{{- else -}}
{{- printf "%s:%s" $name (default .Chart.AppVersion .Values.image.tag) -}}
{{- end -}}
{{- end -}}

{{- define "nixfleet.serverSecret" -}}
{{- default (printf "%s-server" (include "nixfleet.fullname" .)) .Values.agents.certificate.secretName -}}
{{- end -}}

{{/* Every name by which the Service can be reached, as JSON. */}}
{{- define "nixfleet.serverNames" -}}
{{- $service := printf "%s-agents" (include "nixfleet.fullname" .) -}}
{{- $names := list (printf "%s.%s.svc" $service .Release.Namespace) (printf "%s.%s.svc.cluster.local" $service .Release.Namespace) (printf "%s.%s" $service .Release.Namespace) $service -}}
{{- $addresses := list -}}
{{- with .Values.agents.service.clusterIP }}{{- $addresses = append $addresses . -}}{{- end -}}
{{- range .Values.agents.certificate.hosts -}}
{{- if regexMatch "^([0-9.]+|[0-9a-fA-F:]*:[0-9a-fA-F:.]*)$" . -}}
{{- $addresses = append $addresses . -}}
{{- else -}}
{{- $names = append $names . -}}
{{- end -}}
{{- end -}}
{{- dict "names" $names "addresses" $addresses | toJson -}}
{{- end -}}

{{/* A Pod that passes the "restricted" Pod Security Standard. */}}
{{- define "nixfleet.podSecurityContext" -}}
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
fsGroup: 65532
seccompProfile:
  type: RuntimeDefault
{{- end -}}

{{- define "nixfleet.securityContext" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end -}}

{{/* Spread over nodes, and over zones where there are any; call with a list of the root, the role and the role's values. */}}
{{- define "nixfleet.topologySpread" -}}
{{- $selector := include "nixfleet.selector" (list (index . 0) (index . 1)) -}}
{{- with (index . 2).topologySpreadConstraints }}
{{- toYaml . }}
{{- else }}
{{- range $key := list "kubernetes.io/hostname" "topology.kubernetes.io/zone" }}
- maxSkew: 1
  topologyKey: {{ $key }}
  whenUnsatisfiable: ScheduleAnyway
  labelSelector:
    matchLabels:
      {{- $selector | nindent 6 }}
{{- end }}
{{- end }}
{{- end -}}

{{/* Where the Pods of a role run; call with a list of the root, the role and the role's values. */}}
{{- define "nixfleet.placement" -}}
{{- $values := index . 2 -}}
{{- with $values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $values.affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
topologySpreadConstraints:
  {{- include "nixfleet.topologySpread" . | trim | nindent 2 }}
{{- with $values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- end -}}

{{/* Flags that switch tracing on; nothing where it is off. */}}
{{- define "nixfleet.tracingArguments" -}}
{{- with .Values.tracing -}}
{{- if .endpoint -}}
- --otlp-endpoint={{ .endpoint }}
- --trace-sample-ratio={{ .sampleRatio }}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* Environment of the Pods of a role; call with a list of the root and the variables given for the role. */}}
{{- define "nixfleet.environment" -}}
{{- $tracing := (index . 0).Values.tracing -}}
{{- $variables := list -}}
{{- if and $tracing.endpoint $tracing.headersSecret.name -}}
{{- $reference := dict "name" $tracing.headersSecret.name "key" $tracing.headersSecret.key -}}
{{- $variables = append $variables (dict "name" "OTEL_EXPORTER_OTLP_HEADERS" "valueFrom" (dict "secretKeyRef" $reference)) -}}
{{- end -}}
{{- with concat $variables (index . 1) }}
{{- toYaml . -}}
{{- end -}}
{{- end -}}

{{- define "nixfleet.probes" -}}
# Nothing here depends on the API server but readiness: a restart would not bring it back.
startupProbe:
  httpGet: { path: /livez, port: health }
  periodSeconds: 1
  failureThreshold: 60
readinessProbe:
  httpGet: { path: /readyz, port: health }
  periodSeconds: 2
  timeoutSeconds: 2
  failureThreshold: 2
livenessProbe:
  httpGet: { path: /livez, port: health }
  periodSeconds: 10
  timeoutSeconds: 5
  failureThreshold: 3
{{- end -}}
