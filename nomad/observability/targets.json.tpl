[
{{- range services }}{{ if .Tags | contains "metrics" }}
{{- $name := .Name | replaceAll "ticketing-" "" | replaceAll "-metrics" "" }}
{{- range service (print "metrics." .Name) }}
  {"targets": ["{{ .Address }}:{{ .Port }}"], "labels": {"service": "{{ $name }}", "node": "{{ .Node }}"}},
{{- end }}{{ end }}{{ end }}
  {"targets": []}
]
