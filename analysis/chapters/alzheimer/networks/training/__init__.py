"""Training classifiers of grey slices: ``cluscam train alzheimer``.

`trainer.train` carries out a `recipe.Recipe` and leaves a folder with the weights, a model card and the predictions on
the test images; `cluscam_lite.load_model` loads such a folder. PyTorch, timm or torchvision, pyarrow, Pillow and
safetensors are enough (and SciPy for the split by components).
"""
