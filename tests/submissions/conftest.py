"""What lies here is handed in, never collected: `tests/test_submissions.py` grades it."""

collect_ignore_glob = ["*/*"]
