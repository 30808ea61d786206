"""Case status for the people the law names: who may see what of a case, and when."""
