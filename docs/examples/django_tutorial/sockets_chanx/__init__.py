"""The same sockets on chanx, which validates messages and calls a method for each."""

import logging

import structlog

# chanx logs each step; what is not a problem is not shown.
structlog.configure(
    wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING)
)
