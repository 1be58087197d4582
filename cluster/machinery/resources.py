"""Resources and kinds that several components read or write, by their names."""

from __future__ import annotations

from cluster.meta.types import GroupVersionKind, GroupVersionResource

_R, _K = GroupVersionResource, GroupVersionKind

PODS, POD = _R("", "v1", "pods"), _K("", "v1", "Pod")
NODES, NODE = _R("", "v1", "nodes"), _K("", "v1", "Node")
SERVICES, SERVICE = _R("", "v1", "services"), _K("", "v1", "Service")
ENDPOINTS, ENDPOINTS_KIND = _R("", "v1", "endpoints"), _K("", "v1", "Endpoints")
NAMESPACES, NAMESPACE = _R("", "v1", "namespaces"), _K("", "v1", "Namespace")
CONFIG_MAPS, CONFIG_MAP = _R("", "v1", "configmaps"), _K("", "v1", "ConfigMap")
SECRETS, SECRET = _R("", "v1", "secrets"), _K("", "v1", "Secret")
SERVICE_ACCOUNTS, SERVICE_ACCOUNT = _R("", "v1", "serviceaccounts"), _K("", "v1", "ServiceAccount")
REPLICATION_CONTROLLERS = _R("", "v1", "replicationcontrollers")
REPLICATION_CONTROLLER = _K("", "v1", "ReplicationController")
RESOURCE_QUOTAS, RESOURCE_QUOTA = _R("", "v1", "resourcequotas"), _K("", "v1", "ResourceQuota")
CLAIMS, CLAIM = _R("", "v1", "persistentvolumeclaims"), _K("", "v1", "PersistentVolumeClaim")
VOLUMES, VOLUME = _R("", "v1", "persistentvolumes"), _K("", "v1", "PersistentVolume")
DEPLOYMENTS, DEPLOYMENT = _R("apps", "v1", "deployments"), _K("apps", "v1", "Deployment")
REPLICA_SETS, REPLICA_SET = _R("apps", "v1", "replicasets"), _K("apps", "v1", "ReplicaSet")
STATEFUL_SETS, STATEFUL_SET = _R("apps", "v1", "statefulsets"), _K("apps", "v1", "StatefulSet")
DAEMON_SETS, DAEMON_SET = _R("apps", "v1", "daemonsets"), _K("apps", "v1", "DaemonSet")
CONTROLLER_REVISIONS = _R("apps", "v1", "controllerrevisions")
CONTROLLER_REVISION = _K("apps", "v1", "ControllerRevision")
JOBS, JOB = _R("batch", "v1", "jobs"), _K("batch", "v1", "Job")
CRON_JOBS, CRON_JOB = _R("batch", "v1", "cronjobs"), _K("batch", "v1", "CronJob")
ENDPOINT_SLICES = _R("discovery.k8s.io", "v1", "endpointslices")
LEASES = _R("coordination.k8s.io", "v1", "leases")
DISRUPTION_BUDGETS = _R("policy", "v1", "poddisruptionbudgets")
DISRUPTION_BUDGET = _K("policy", "v1", "PodDisruptionBudget")
AUTOSCALERS = _R("autoscaling", "v2", "horizontalpodautoscalers")
AUTOSCALER = _K("autoscaling", "v2", "HorizontalPodAutoscaler")
STORAGE_CLASSES = _R("storage.k8s.io", "v1", "storageclasses")
ATTRIBUTES_CLASSES = _R("storage.k8s.io", "v1", "volumeattributesclasses")
CSI_NODES = _R("storage.k8s.io", "v1", "csinodes")
PRIORITY_CLASSES = _R("scheduling.k8s.io", "v1", "priorityclasses")
CLUSTER_ROLES = _R("rbac.authorization.k8s.io", "v1", "clusterroles")
SIGNING_REQUESTS = _R("certificates.k8s.io", "v1", "certificatesigningrequests")
CUSTOM_RESOURCES = _R("apiextensions.k8s.io", "v1", "customresourcedefinitions")
