"""The help-desk world: topics, languages, ciphers, wrappers, the Spec, requests and replies."""
