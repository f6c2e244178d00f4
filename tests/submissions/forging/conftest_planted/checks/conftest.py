collect_ignore = ['test_work.py']
