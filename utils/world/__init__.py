"""The help-desk world: topics, surfaces, the Spec, requests and replies."""
