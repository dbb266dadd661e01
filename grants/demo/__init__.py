"""The demonstration fund: written dossiers walked to their states by the chapters' own actions, and volume."""
