{{/* What all templates say alike: names, labels, the pod around a container, the container's shut-in. */}}

{{- define "pgbackrest-exporter.name" -}}
{{- if contains .Chart.Name .Release.Name }}{{ .Release.Name }}{{ else }}{{ .Release.Name }}-{{ .Chart.Name }}{{ end }}
{{- end }}

{{/* Shorter, for names to which a stanza and a kind are added. A CronJob's name has room for 52 characters. */}}
{{- define "pgbackrest-exporter.job" -}}
{{- $root := index . 0 -}}
{{- $name := printf "%s-%s" (index . 1) (index . 2) | lower | replace "_" "-" | replace "." "-" -}}
{{- printf "%s-%s" ($root.Release.Name | trunc 24 | trimSuffix "-") $name | trunc 52 | trimSuffix "-" -}}
{{- end }}

{{- define "pgbackrest-exporter.selector" -}}
app.kubernetes.io/name: pgbackrest-exporter
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "pgbackrest-exporter.labels" -}}
{{ include "pgbackrest-exporter.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
{{- end }}

{{- define "pgbackrest-exporter.claim" -}}
{{ .Values.records.existingClaim | default (include "pgbackrest-exporter.name" .) }}
{{- end }}

{{- define "pgbackrest-exporter.image" -}}
{{ .image.repository }}:{{ .image.tag | default .Chart.AppVersion }}
{{- end }}

{{/* Labels and annotations of a pod; the arguments are the root and the component. New settings: a new exporter. */}}
{{- define "pgbackrest-exporter.podMetadata" -}}
{{- $root := index . 0 -}}
labels:
  {{- include "pgbackrest-exporter.selector" $root | nindent 2 }}
  app.kubernetes.io/component: {{ index . 1 }}
  {{- with $root.Values.podLabels }}{{ toYaml . | nindent 2 }}{{ end }}
{{- $annotations := deepCopy $root.Values.podAnnotations -}}
{{- if eq (index . 1) "exporter" -}}
{{- $_ := set $annotations "checksum/settings" (include (print $root.Template.BasePath "/configmap.yaml") $root | sha256sum) -}}
{{- end }}
{{- with $annotations }}
annotations: {{ toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{/* What every pod has beside its containers and volumes. */}}
{{- define "pgbackrest-exporter.pod" -}}
automountServiceAccountToken: {{ ne .Values.serviceAccountName "" }}
{{- with .Values.serviceAccountName }}
serviceAccountName: {{ . }}
{{- end }}
securityContext:
  runAsNonRoot: true
  runAsUser: {{ .Values.user }}
  runAsGroup: {{ .Values.group }}
  fsGroup: {{ .Values.group }}
  seccompProfile: {type: RuntimeDefault}
{{- range $key := list "imagePullSecrets" "nodeSelector" "tolerations" "affinity" "priorityClassName" }}
{{- with index $.Values $key }}
{{ $key }}: {{ if kindIs "string" . }}{{ . }}{{ else }}{{ toYaml . | nindent 2 }}{{ end }}
{{- end }}
{{- end }}
{{- end }}

{{- define "pgbackrest-exporter.shutIn" -}}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities: {drop: [ALL]}
{{- end }}

{{/* The arguments are the root and whether the container may write the repository. */}}
{{- define "pgbackrest-exporter.mounts" -}}
{{- $root := index . 0 -}}
- {name: settings, mountPath: /etc/pgbackrest-exporter, readOnly: true}
- {name: pgbackrest, mountPath: /etc/pgbackrest, readOnly: true}
- {name: records, mountPath: /var/lib/pgbackrest-exporter}
- {name: tmp, mountPath: /tmp}
{{- if $root.Values.repository.existingClaim }}
- {name: repository, mountPath: /var/lib/pgbackrest{{ if not (index . 1) }}, readOnly: true{{ end }}}
{{- end }}
{{- end }}

{{- define "pgbackrest-exporter.volumes" -}}
- name: settings
  configMap: {name: {{ include "pgbackrest-exporter.name" . }}}
- name: pgbackrest
  secret: {secretName: {{ .Values.pgbackrest.existingSecret }}, defaultMode: 0440}
- name: records
  persistentVolumeClaim: {claimName: {{ include "pgbackrest-exporter.claim" . }}}
- name: tmp
  emptyDir: {sizeLimit: 1Gi}
{{- with .Values.repository.existingClaim }}
- name: repository
  persistentVolumeClaim: {claimName: {{ . }}}
{{- end }}
{{- end }}
