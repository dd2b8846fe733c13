class Newton:
    pass
