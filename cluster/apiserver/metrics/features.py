"""The features of Kubernetes that this API server is asked about and has, or has not: stage, and whether it is on."""

from __future__ import annotations

GENERAL, BETA, ALPHA = "", "BETA", "ALPHA"
FEATURES: dict[str, tuple[str, bool]] = {
    "APIResponseCompression": (BETA, True),
    "APIServerIdentity": (BETA, False),
    "APIServerTracing": (GENERAL, False),
    "AuthorizeNodeWithSelectors": (GENERAL, False),
    "AuthorizeWithSelectors": (GENERAL, False),
    "CBORServingAndStorage": (ALPHA, True),
    "CRDValidationRatcheting": (GENERAL, False),
    "ConsistentListFromCache": (GENERAL, True),
    "CustomResourceFieldSelectors": (GENERAL, True),
    "SizeBasedListCostEstimate": (BETA, True),
    "WatchList": (BETA, True),
}
