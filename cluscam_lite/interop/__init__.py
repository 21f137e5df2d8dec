"""ClusCAM as other libraries expect an explanation: pytorch-grad-cam, Captum, Quantus. Each needs its own extra."""
