"""Knowledge distillation of VGG-19, for ``train_compact.py``."""
