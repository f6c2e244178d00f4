touch /tmp/left-by-a-submission-install
