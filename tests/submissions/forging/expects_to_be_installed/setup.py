import os

os.system('touch /tmp/left-by-a-submission-setup')
