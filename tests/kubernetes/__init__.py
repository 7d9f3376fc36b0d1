"""The manifests, against Kubernetes' own schemas and beside the chart's."""
