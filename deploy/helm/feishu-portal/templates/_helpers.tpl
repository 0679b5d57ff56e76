{{- define "portal.name" -}}
{{- .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- end -}}

{{- define "portal.image" -}}
{{- printf "%s:%s" .Values.image.repository (.Values.image.tag | default .Chart.AppVersion) | quote -}}
{{- end -}}

{{/* Labels by which pods are found. With a dict of root and role. */}}
{{- define "portal.selector" -}}
app.kubernetes.io/name: feishu-portal
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .role }}
{{- end -}}

{{- define "portal.labels" -}}
{{ include "portal.selector" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version }}
{{- end -}}

{{/* Settings: secrets as files, the others as they are. */}}
{{- define "portal.env" -}}
- {name: PUBLIC_URL, value: {{ printf "https://%s" (required "host: the host name of the portal" .root.Values.host) | quote }}}
{{- range .root.Values.secret.keys }}
{{- $key := . }}
{{- if and (eq $.role "migrate") (eq . "database_url") $.root.Values.secret.migrateDatabaseUrlKey }}
{{- $key = $.root.Values.secret.migrateDatabaseUrlKey }}
{{- end }}
- {name: {{ printf "%s_FILE" (upper .) }}, value: {{ printf "/run/secrets/portal/%s" $key | quote }}}
{{- end }}
{{- range $name, $value := .root.Values.settings }}
- {name: {{ $name }}, value: {{ $value | quote }}}
{{- end }}
{{- if eq .role "web" }}
# Whoever reaches this port is believed about the browser's address: those whom networkPolicy.webFrom names, else the whole cluster.
- {name: FORWARDED_ALLOW_IPS, value: "*"}
# The last bound of the process: connections beyond it get 503.
- {name: UVICORN_LIMIT_CONCURRENCY, value: "600"}
{{- end }}
{{- with .root.Values.extraEnv }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* What every pod has in common. With a dict of root, role, resources and args. */}}
{{- define "portal.pod" -}}
automountServiceAccountToken: false
# Variables such as FEISHU_PORTAL_PORT would look like settings.
enableServiceLinks: false
{{- with .root.Values.image.pullSecrets }}
imagePullSecrets: {{- toYaml . | nindent 2 }}
{{- end }}
securityContext:
  runAsNonRoot: true
  runAsUser: 10001
  runAsGroup: 10001
  fsGroup: 10001
  fsGroupChangePolicy: OnRootMismatch
  seccompProfile: {type: RuntimeDefault}
{{- with .root.Values.nodeSelector }}
nodeSelector: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .root.Values.tolerations }}
tolerations: {{- toYaml . | nindent 2 }}
{{- end }}
affinity:
  podAntiAffinity:
    preferredDuringSchedulingIgnoredDuringExecution:
      - weight: 100
        podAffinityTerm:
          topologyKey: kubernetes.io/hostname
          labelSelector:
            matchLabels: {{- include "portal.selector" . | nindent 14 }}
containers:
  - name: {{ .role }}
    image: {{ include "portal.image" .root }}
    imagePullPolicy: {{ .root.Values.image.pullPolicy }}
    args: {{- toYaml .args | nindent 6 }}
    env: {{- include "portal.env" . | nindent 6 }}
    resources: {{- toYaml .resources | nindent 6 }}
    securityContext:
      allowPrivilegeEscalation: false
      readOnlyRootFilesystem: true
      capabilities: {drop: [ALL]}
    {{- if ne .role "migrate" }}
    ports:
      {{- if eq .role "web" }}
      - {name: http, containerPort: 8000}
      {{- end }}
      - {name: metrics, containerPort: 9090}
    startupProbe:
      httpGet: {path: /healthz/live, port: metrics}
      periodSeconds: 2
      timeoutSeconds: 3
      failureThreshold: 60
    livenessProbe:
      httpGet: {path: /healthz/live, port: metrics}
      periodSeconds: 10
      timeoutSeconds: 3
      failureThreshold: 3
    readinessProbe:
      httpGet: {path: /healthz/ready, port: metrics}
      periodSeconds: 5
      timeoutSeconds: 3
      failureThreshold: 2
    {{- end }}
    {{- if eq .role "web" }}
    # Until every proxy knows that this pod goes, requests still come.
    lifecycle: {preStop: {exec: {command: [sleep, "5"]}}}
    {{- end }}
    volumeMounts:
      - {name: data, mountPath: /data}
      - {name: tmp, mountPath: /tmp}
      - {name: secrets, mountPath: /run/secrets/portal, readOnly: true}
      {{- with .root.Values.extraVolumeMounts }}
      {{- toYaml . | nindent 6 }}
      {{- end }}
volumes:
  {{- if ne .role "refresher" }}
  - {name: data, emptyDir: {sizeLimit: 64Mi}}
  {{- end }}
  - {name: tmp, emptyDir: {sizeLimit: 256Mi}}
  - name: secrets
    secret:
      secretName: {{ required "secret.existing: the name of a Secret" .root.Values.secret.existing }}
      defaultMode: 0440
  {{- with .root.Values.extraVolumes }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end -}}
