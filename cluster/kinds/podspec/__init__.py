"""The pod specification, which pods and every template of pods share: defaults and validation by topic."""
