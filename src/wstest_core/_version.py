__version__ = "0.1.0"

# Where the documentation of a release is; [project.urls] says the same.
DOCUMENTATION = "https://wstest-core.readthedocs.io/en/stable/"
