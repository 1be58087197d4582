"""What tests of and against the cluster may import."""
