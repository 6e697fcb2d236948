"""QUESTIONS ON TOP of the estimated events: claims, clusters, groups, other models, and the audit by statsmodels."""
