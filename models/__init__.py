"""The bundle, the contract between training and serving, and the estimators it needs when it scores."""
