MEANS = (0.0,) * 9
SCALES = (1.0,) * 9
WEIGHTS = {"DOCUMENTS": (0.0,) * 9, "HYBRID": (0.0,) * 9, "SQL": (0.0,) * 9}
INTERCEPTS = {"DOCUMENTS": 0.0, "HYBRID": 0.0, "SQL": 0.0}
